// Bundles kill-random.ts with what it uses and runs it: `node test/crash/kill-random.mjs --help`. A file of its own because Node 20 does not run TypeScript.
import { chmod, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const project = fileURLToPath(new URL('../..', import.meta.url));
const directory = await mkdtemp(join(tmpdir(), 'tbuild-kill-random-'));
try {
  // Another user may run it, too; the addon and its loader are found from where it lies.
  await chmod(directory, 0o755);
  for (const name of ['addon', 'node_modules']) await symlink(join(project, name), join(directory, name));
  const outfile = join(directory, 'kill-random-main.mjs');
  await build({
    entryPoints: [join(project, 'test/crash/kill-random.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external: ['node-gyp-build'],
  });
  const { main } = await import(pathToFileURL(outfile).href);
  process.exitCode = await main(process.argv.slice(2), { project, script: outfile });
} finally {
  await rm(directory, { recursive: true, force: true });
}
