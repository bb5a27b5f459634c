import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';

/** What no layer, message or output may ever hold. */
export const secret = 'CANARY-1f6e0c';

/** A directory outside of everything that a build may touch. */
export interface Canary extends Disposable {
  /** Absolute; `file` (with the secret), `directory/inner` and `empty/` are in it. */
  readonly directory: string;
  /** As a relative path that climbs far above any root. */
  readonly climbing: string;
  expectUntouched(): void;
}

export function plantCanary(): Canary {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'canary-')));
  writeFileSync(join(directory, 'file'), secret);
  mkdirSync(join(directory, 'directory'));
  writeFileSync(join(directory, 'directory/inner'), secret);
  mkdirSync(join(directory, 'empty'));
  const before = fingerprint(directory);
  return {
    directory,
    climbing: `${'../'.repeat(24)}${directory.slice(1)}`,
    expectUntouched: () => expect(fingerprint(directory)).toEqual(before),
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** Names, kinds, owners, modes, link counts, times of change and contents. */
function fingerprint(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true })
    .map(String)
    .concat('')
    .toSorted()
    .map((name) => {
      const path = join(directory, name);
      const { mode, uid, gid, nlink, ctimeMs, ino } = lstatSync(path);
      const content = lstatSync(path).isFile() ? readFileSync(path, 'utf8') : '';
      return [name, ino, mode.toString(8), uid, gid, nlink, ctimeMs, content].join(' ');
    });
}
