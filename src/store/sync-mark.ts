import { chmodSync, statSync } from 'node:fs';
import { errnoOf, ioError } from '../util/io-error.ts';

/**
 * The sync mark of a blob or layer.json is its mode: 0400 once the file system was synced after it was written, 0600 before. A read-only one survived a power cut; of the others only those
 * written since the machine started are known to be whole.
 */
export type SyncState = 'absent' | 'unsynced' | 'synced';

export function syncState(path: string): SyncState {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 'absent';
  return (stat.mode & 0o200) === 0 ? 'synced' : 'unsynced';
}

/** Files of this handle that are whole and not yet marked. */
export interface Unsynced {
  add(path: string): void;
  has(path: string): boolean;
  /** What is to be marked once a sync that starts after this call has ended. */
  take(): readonly string[];
}

export function trackUnsynced(): Unsynced {
  const paths = new Set<string>();
  return {
    add: (path) => void paths.add(path),
    has: (path) => paths.has(path),
    take() {
      const taken = [...paths];
      paths.clear();
      return taken;
    },
  };
}

export function markSynced(path: string): void {
  try {
    chmodSync(path, 0o400);
  } catch (error) {
    // Something else was put in its place or it was pruned; its maker marks what is there now.
    if (errnoOf(error) !== 'ENOENT') throw ioError(error, 'mark as synced', path);
  }
}
