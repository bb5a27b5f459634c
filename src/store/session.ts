import { closeSync, constants, existsSync, mkdirSync, openSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import type { NativeAddon } from '../native/addon.ts';
import { errnoOf, ioError } from '../util/io-error.ts';
import type { RemoveTree } from './removal.ts';
import { uniqueName } from '../util/unique-name.ts';

/** A store handle's own directory under tmp/, locked while the handle lives: jobs, and files about to be renamed. */
export interface Session {
  /** A path in it that nothing has yet, on the store's file system. */
  newPath(prefix: string): string;
  /** Removes the directory with all that is left in it. */
  close(): Promise<void>;
}

export function openSession(addon: NativeAddon, tmp: string, removeTree: RemoveTree): Session {
  let own: LockedDirectory | undefined;
  let isClosed = false;
  let counter = 0;
  const newPath = (prefix: string): string => {
    if (isClosed) throw new TypeError('the store was closed');
    own ??= createLockedDirectory(addon, tmp);
    counter += 1;
    return join(own.path, `${prefix}-${counter}`);
  };
  return {
    newPath,
    async close() {
      isClosed = true;
      if (own === undefined) return;
      const { path, fd } = own;
      own = undefined;
      try {
        if (!removeIfEmpty(path)) await removeTree([path]);
      } finally {
        closeSync(fd);
      }
    },
  };
}

/** Removes an empty directory. False: it is not empty. */
export function removeIfEmpty(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT') return true;
    if (errno === 'ENOTEMPTY' || errno === 'EEXIST') return false;
    throw ioError(error, 'remove', path);
  }
}

interface LockedDirectory {
  readonly path: string;
  readonly fd: number;
}

function createLockedDirectory(addon: NativeAddon, tmp: string): LockedDirectory {
  for (;;) {
    const path = join(tmp, uniqueName());
    try {
      mkdirSync(path, { mode: 0o700 });
      const fd = lockDirectory(addon, path);
      if (fd !== undefined) return { path, fd };
    } catch (error) {
      // Taken away before it was locked: try again under another name.
      if (errnoOf(error) !== 'ENOENT' || !existsSync(tmp)) throw ioError(error, 'make', path);
    }
  }
}

/** Undefined when somebody took the directory for garbage between its making and its locking. */
function lockDirectory(addon: NativeAddon, path: string): number | undefined {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  if (addon.lock(fd, 'exclusive', false) && existsSync(path)) return fd;
  closeSync(fd);
  return undefined;
}
