import { mkdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { sha256Hex } from '../native/sha256.ts';
import { errnoOf } from '../util/io-error.ts';
import { removeFile } from '../util/remove-file.ts';
import { namesIn } from '../util/names-in.ts';

/** When something of the store was last used: `layer <id>`, `blob <digest>`, `record <key>` → milliseconds since the epoch. */
export type Uses = ReadonlyMap<string, number>;

/**
 * A lease file becomes the note of what its store handle used, and its time the time of the use: the one system call that would have removed it. The name is a hash of the items, so that the same
 * build again only renews it. A note that cannot be kept is no loss.
 */
export function keepUses(directory: string, leaseFile: string, lines: ReadonlySet<string>): void {
  const path = join(directory, sha256Hex([...lines].sort().join('')).slice(0, 32));
  try {
    renameSync(leaseFile, path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') return removeFile(leaseFile);
    // A store that was made before there were notes.
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    renameSync(leaseFile, path);
  }
}

export function readUses(directory: string): Uses {
  const uses = new Map<string, number>();
  for (const name of namesIn(directory)) {
    const path = join(directory, name);
    const used = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    for (const line of readFileSync(path, 'latin1').split('\n')) {
      if (line !== '' && used > (uses.get(line) ?? 0)) uses.set(line, used);
    }
  }
  return uses;
}
