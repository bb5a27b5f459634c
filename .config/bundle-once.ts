import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Vitest's global set-up of the tests that run dist/: they see the sources as they are now. */
export function setup(): void {
  for (const program of ['bundle.mjs', '../dist/warm-up.cjs']) {
    const { status, stderr } = spawnSync(process.execPath, [fileURLToPath(new URL(program, import.meta.url))], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`${program} failed:\n${stderr}`);
  }
}
