// Bundles record.ts, or checks/record.ts where the first argument is `checks`, and runs it: `node test/differential/record.mjs --help`. A file of its own because Node 20 does not run TypeScript.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const argv = process.argv.slice(2);
const isOfChecks = argv[0] === 'checks';
const project = fileURLToPath(new URL('../..', import.meta.url));
const directory = await mkdtemp(join(tmpdir(), 'tbuild-record-script-'));
try {
  const outfile = join(directory, 'record.mjs');
  const entryPoints = [join(project, 'test/differential', isOfChecks ? 'checks/record.ts' : 'record.ts')];
  await build({
    entryPoints,
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    sourcemap: 'inline',
  });
  const { main } = await import(pathToFileURL(outfile).href);
  process.exitCode = await main(isOfChecks ? argv.slice(1) : argv, project);
} finally {
  await rm(directory, { recursive: true, force: true });
}
