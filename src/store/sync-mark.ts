import { closeSync, constants, fchmodSync, fstatSync, openSync, statSync } from 'node:fs';
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
  /** Files to mark once a sync that starts after this call has ended. */
  take(): readonly UnsyncedFile[];
}

export interface UnsyncedFile {
  readonly path: string;
  /** Another file in its place, which the sync may have missed, is not to be marked. */
  readonly ino: number;
}

export function trackUnsynced(): Unsynced {
  const inodes = new Map<string, number>();
  return {
    add(path) {
      const stat = statSync(path, { throwIfNoEntry: false });
      if (stat !== undefined) inodes.set(path, stat.ino);
    },
    has: (path) => inodes.has(path),
    take() {
      const taken = [...inodes].map(([path, ino]) => ({ path, ino }));
      inodes.clear();
      return taken;
    },
  };
}

export function markSynced({ path, ino }: UnsyncedFile): void {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    throw ioError(error, 'mark as synced', path);
  }
  try {
    if (fstatSync(fd).ino === ino) fchmodSync(fd, 0o400);
  } finally {
    closeSync(fd);
  }
}
