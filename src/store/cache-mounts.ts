import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  statSync,
  utimesSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { writeFileAtomic } from '../util/atomic-write.ts';
import { errnoOf, ioError } from '../util/io-error.ts';
import type { StoreContext } from './context.ts';
import { readSealedJson, sealJson } from './guarded.ts';
import { isHexId } from './paths.ts';
import { removeIfEmpty } from './session.ts';
import type { CacheMount, CacheMountAbout, CacheMountRequest, CacheMountUse } from './types.ts';

/**
 * A directory under `mounts/<key>/<copy>/`, locked by the file `<copy>.lock` beside it for as long as it is used. Copies after the first are for `private` users that found it in use.
 * The key is a hash: nothing that a Dockerfile says becomes part of a path.
 */
export async function useCacheMount(context: StoreContext, request: CacheMountRequest): Promise<CacheMountUse> {
  const lock = await waitForCopy(context, request);
  try {
    const directory = join(lock.path, 'data');
    if (!existsSync(lock.path)) await makeCopy(context, request, lock.path);
    return { directory, release: lock.release };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** What is kept, for people and for prune; the newest use first. */
export async function listCacheMounts(context: StoreContext): Promise<readonly CacheMount[]> {
  const { gc } = context;
  const found = await gc.run('shared', () => keysOf(context).map((key) => describe(context, key)));
  return found.toSorted((a, b) => b.lastUsed - a.lastUsed);
}

/** What prune may take away of a cache mount: all of it, or the copies that nobody uses. */
export interface UnusedCacheMount {
  readonly key: string;
  readonly id: string;
  /** Directories to be removed. */
  readonly paths: readonly string[];
}

/**
 * Obligation: call with gc.lock held exclusively, and take them away under the same hold.
 *
 * @param unusedSince milliseconds since the epoch: those used since then are left out
 */
export function unusedCacheMounts(context: StoreContext, unusedSince: number = Infinity): readonly UnusedCacheMount[] {
  return keysOf(context).flatMap((key) => {
    const locks = readLocks(context, key);
    const free = locks.filter(({ inUse, used }) => !inUse && used < unusedSince);
    const { id } = describe(context, key);
    if (free.length === locks.length) return [{ key, id, paths: [context.paths.cacheMount(key)] }];
    const paths = free.filter(({ path }) => existsSync(path)).map(({ path }) => path);
    return paths.length === 0 ? [] : [{ key, id, paths }];
  });
}

interface HeldCopy {
  readonly path: string;
  readonly release: () => void;
}

const longestWaitMs = 200;

/** Polls, as all locks of the store do: a thread that blocks in flock(2) could not be cancelled. */
async function waitForCopy(context: StoreContext, request: CacheMountRequest): Promise<HeldCopy> {
  const { signal } = request;
  for (let wait = 5; ; wait = Math.min(wait * 2, longestWaitMs)) {
    signal?.throwIfAborted();
    // Under gc.lock, so that prune never takes away what is about to be locked.
    const held = await context.gc.run('shared', () => lockSomeCopy(context, request));
    if (held !== undefined) return held;
    if (wait === 5) request.onWait?.();
    await delay(wait, undefined, signal === undefined ? {} : { signal }).catch((error: unknown) => {
      signal?.throwIfAborted();
      throw error;
    });
  }
}

/** Enough for as many commands as can run at once. */
const maxCopies = 10_000;

function lockSomeCopy(context: StoreContext, { key, sharing, about }: CacheMountRequest): HeldCopy | undefined {
  const directory = context.paths.cacheMount(key);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeAbout(context, directory, about);
  const mode = sharing === 'shared' ? 'shared' : 'exclusive';
  for (let copy = 0; copy < (sharing === 'private' ? maxCopies : 1); copy++) {
    const held = lockCopy(context, join(directory, String(copy)), mode);
    if (held !== undefined) return held;
  }
  return undefined;
}

function lockCopy({ addon }: StoreContext, path: string, mode: 'shared' | 'exclusive'): HeldCopy | undefined {
  const lockPath = `${path}.lock`;
  const fd = openLock(lockPath);
  if (!addon.lock(fd, mode, false)) {
    closeSync(fd);
    return undefined;
  }
  // When it was last used.
  const now = new Date();
  utimesSync(lockPath, now, now);
  let isReleased = false;
  const release = (): void => {
    if (isReleased) return;
    isReleased = true;
    closeSync(fd);
  };
  return { path, release };
}

function openLock(path: string): number {
  try {
    return openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  } catch (error) {
    throw ioError(error, 'open the lock', path);
  }
}

/** Made out of sight, so that a cache mount is there whole or not at all. Of two that share a lock, the slower one's goes away. */
async function makeCopy(context: StoreContext, { make }: CacheMountRequest, path: string): Promise<void> {
  const made = context.session.newPath('mount');
  try {
    mkdirSync(made, { mode: 0o700 });
    await make(join(made, 'data'));
    renameSync(made, path);
  } catch (error) {
    if (!removeIfEmpty(made)) await context.removeTree([made]);
    const errno = errnoOf(error);
    if ((errno === 'ENOTEMPTY' || errno === 'EEXIST') && existsSync(path)) return;
    throw ioError(error, 'make the cache mount', path);
  }
}

function writeAbout({ session, checksum }: StoreContext, directory: string, about: CacheMountAbout): void {
  const path = join(directory, 'mount.json');
  if (existsSync(path)) return;
  writeFileAtomic(path, session.newPath('mount-about'), [sealJson(about, checksum)]);
}

function keysOf({ paths }: StoreContext): readonly string[] {
  return readdirSync(paths.inside('mounts')).filter(isHexId);
}

function describe(context: StoreContext, key: string): CacheMount {
  const { paths, checksum } = context;
  const directory = paths.cacheMount(key);
  const about = readSealedJson(join(directory, 'mount.json'), checksum) as CacheMountAbout | undefined;
  const locks = readLocks(context, key);
  return {
    key,
    id: about?.id ?? '',
    namespace: about?.namespace ?? '',
    created: about?.created ?? statSync(directory).mtimeMs,
    lastUsed: Math.max(0, ...locks.map(({ used }) => used)),
    copies: locks
      .filter(({ path }) => existsSync(path))
      .map(({ path, inUse }) => ({ directory: join(path, 'data'), inUse })),
  };
}

/** There is a lock before there is a copy. */
function readLocks(
  { paths, addon }: StoreContext,
  key: string,
): readonly { readonly path: string; readonly inUse: boolean; readonly used: number }[] {
  const directory = paths.cacheMount(key);
  return readdirSync(directory)
    .filter((name) => /^\d+\.lock$/.test(name))
    .toSorted((a, b) => Number.parseInt(a) - Number.parseInt(b))
    .map((name) => {
      const lock = join(directory, name);
      return { path: lock.slice(0, -'.lock'.length), inUse: isLocked(addon, lock), used: statSync(lock).mtimeMs };
    });
}

function isLocked(addon: StoreContext['addon'], path: string): boolean {
  const fd = openLock(path);
  try {
    return !addon.lock(fd, 'exclusive', false);
  } finally {
    closeSync(fd);
  }
}
