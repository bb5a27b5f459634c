import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A temporary directory whose path ends with a slash, removed when disposed of: by `rm`, since names in it may be no UTF-8. */
export interface Workspace extends Disposable {
  readonly path: string;
}

export function makeWorkspace(): Workspace {
  const path = `${mkdtempSync(join(tmpdir(), 'tbuild-native-'))}/`;
  return {
    path,
    [Symbol.dispose]: () => void execFileSync('rm', ['-rf', path]),
  };
}

export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}
