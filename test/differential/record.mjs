// Bundles record.ts and runs it: `node test/differential/record.mjs --help`. A file of its own because Node 20 does not run TypeScript.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const project = fileURLToPath(new URL('../..', import.meta.url));
const directory = await mkdtemp(join(tmpdir(), 'tbuild-record-script-'));
try {
  const outfile = join(directory, 'record.mjs');
  const entryPoints = [join(project, 'test/differential/record.ts')];
  await build({ entryPoints, outfile, bundle: true, platform: 'node', format: 'esm', sourcemap: 'inline' });
  const { main } = await import(pathToFileURL(outfile).href);
  process.exitCode = await main(process.argv.slice(2), project);
} finally {
  await rm(directory, { recursive: true, force: true });
}
