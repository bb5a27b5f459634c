import { closeSync, constants, existsSync, openSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { NativeAddon } from '../native/addon.ts';
import { errnoOf, ioError } from '../util/io-error.ts';
import { uniqueName } from '../util/unique-name.ts';
import { isLocked } from './leases.ts';

/**
 * Renames something of the store to an unlocked name in tmp/, so that nobody ever sees it half removed and whoever comes by may remove it. Needs no space on a full disk.
 * Returns its new path; undefined when it was gone already.
 */
export function discard(tmp: string, path: string): string | undefined {
  const target = join(tmp, uniqueName());
  try {
    renameSync(path, target);
    return target;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw ioError(error, 'remove', path);
  }
}

/** What in tmp/ no live process has locked, under names of its own. The paths are to be removed. */
export function collectGarbage(addon: NativeAddon, tmp: string): readonly string[] {
  return readdirSync(tmp)
    .map((name) => adopt(addon, tmp, name))
    .filter((path) => path !== undefined);
}

/** The same, only looked at: paths that {@link collectGarbage} would give new names. */
export function listGarbage(addon: NativeAddon, tmp: string): readonly string[] {
  return readdirSync(tmp)
    .map((name) => join(tmp, name))
    .filter((path) => existsSync(path) && !isLocked(addon, path));
}

/** Renamed while its lock is held, so that its maker, who locks it a moment later, sees that it is gone. */
function adopt(addon: NativeAddon, tmp: string, name: string): string | undefined {
  const path = join(tmp, name);
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw ioError(error, 'look at the lock', path);
  }
  try {
    return addon.lock(fd, 'exclusive', false) ? discard(tmp, path) : undefined;
  } finally {
    closeSync(fd);
  }
}
