import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The static program of attacker.c, to be put into a context or a layer. */
export function compileAttacker(): Buffer {
  const directory = mkdtempSync(join(tmpdir(), 'tbuild-attacker-'));
  try {
    const program = join(directory, 'attacker');
    const source = fileURLToPath(new URL('attacker.c', import.meta.url));
    execFileSync('gcc', ['-static', '-O1', '-Wall', '-Werror', '-o', program, source], { stdio: 'pipe' });
    return readFileSync(program);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
