import { closeSync, constants, existsSync, mkdirSync, openSync, readdirSync, renameSync, rmdirSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { NativeAddon } from '../native/addon.ts';
import { errnoOf, ioError } from '../util/io-error.ts';
import { isLocked } from './leases.ts';
import type { RemoveTree } from './removal.ts';

/** A store handle's own directory under tmp/, locked while the handle lives: jobs, files about to be renamed, trees about to be removed. */
export interface Session {
  /** A path in it that nothing has yet, on the store's file system. */
  newPath(prefix: string): string;
  /** Renames something of the store into it, so that nobody ever sees it half removed. Returns its new path; undefined when it was gone already. */
  discard(path: string): string | undefined;
  /** Takes over what dead processes left in tmp/. Returns the paths, which are to be removed. */
  collectGarbage(): readonly string[];
  /** What `collectGarbage` would take over. */
  findGarbage(): readonly string[];
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
  const discard = (path: string): string | undefined => {
    const target = newPath('trash');
    try {
      renameSync(path, target);
      return target;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw ioError(error, 'remove', path);
    }
  };
  const findGarbage = (): string[] =>
    readdirSync(tmp)
      .map((name) => join(tmp, name))
      .filter((path) => !isLocked(addon, path) && existsSync(path));
  return {
    newPath,
    discard,
    findGarbage,
    collectGarbage: () => findGarbage().flatMap((path) => adopt(addon, path, discard)),
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
    const path = join(tmp, randomBytes(8).toString('hex'));
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

/** Moves an unlocked entry of tmp/ while holding its lock, so that its maker, who locks it a moment later, sees that it is gone. */
function adopt(addon: NativeAddon, path: string, discard: (path: string) => string | undefined): string[] {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw ioError(error, 'look at the lock', path);
  }
  try {
    const target = addon.lock(fd, 'exclusive', false) ? discard(path) : undefined;
    return target === undefined ? [] : [target];
  } finally {
    closeSync(fd);
  }
}
