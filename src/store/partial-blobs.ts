import { closeSync, constants, fstatSync, ftruncateSync, mkdirSync, openSync, readdirSync, statSync } from 'node:fs';
import type { NativeAddon } from '../native/addon.ts';
import { isDigest } from '../oci/digest.ts';
import type { Digest } from '../oci/digest.ts';
import { errnoOf, ioError } from '../util/io-error.ts';
import { removeFile } from '../util/remove-file.ts';
import type { StoreContext } from './context.ts';

/**
 * The beginnings of blobs whose transfer was cut, `blobs/partial/<hex>`: the next transfer goes on from there. Whoever writes one holds its lock. Nobody trusts what is in it: a blob becomes one
 * when all of it has been hashed.
 */
export interface PartialBlob {
  readonly path: string;
  /** Bytes that are there. */
  readonly size: number;
  unlock(): void;
}

/** Less than this is fetched again faster than it is kept track of. */
export const worthKeeping: number = 1024 * 1024;

const mostKept = 16;
const oldestKeptMs = 7 * 24 * 60 * 60 * 1000;

/** Opens what there is of a blob, or begins it. Undefined while somebody else writes it. */
export function openPartial(
  { gc, addon, paths }: StoreContext,
  { digest, size }: { readonly digest: Digest; readonly size: number },
): Promise<PartialBlob | undefined> {
  const path = paths.partialBlob(digest);
  // Prune holds the lock exclusively while it decides.
  return gc.run('shared', () => {
    makeDirectory(paths.inside(directory));
    const fd = lockFile(addon, path, constants.O_RDWR | constants.O_CREAT);
    if (fd === undefined) return undefined;
    removeOldest(addon, paths.inside(directory));
    const kept = fstatSync(fd).size;
    if (kept > size) ftruncateSync(fd, 0);
    return { path, size: kept > size ? 0 : kept, unlock: () => closeSync(fd) };
  });
}

/** Those that nobody writes. */
export function listPartials({ addon, paths }: StoreContext): { digest: Digest; path: string; size: number }[] {
  return names(paths.inside(directory))
    .map((hex) => `sha256:${hex}`)
    .filter(isDigest)
    .map((digest) => ({ digest, path: paths.partialBlob(digest) }))
    .flatMap(({ digest, path }) => {
      const fd = lockFile(addon, path, constants.O_RDONLY);
      if (fd === undefined) return [];
      const { size } = fstatSync(fd);
      closeSync(fd);
      return [{ digest, path, size }];
    });
}

/** Unless somebody writes it. */
export function removePartial(addon: NativeAddon, path: string): void {
  const fd = lockFile(addon, path, constants.O_RDONLY);
  if (fd === undefined) return;
  try {
    removeFile(path);
  } finally {
    closeSync(fd);
  }
}

const directory = 'blobs/partial';

function makeDirectory(path: string): void {
  try {
    // Stores of earlier versions do not have it.
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw ioError(error, 'make', path);
  }
}

/** What is locked counts, and stays. */
function removeOldest(addon: NativeAddon, path: string): void {
  const limit = Date.now() - oldestKeptMs;
  const files = names(path)
    .map((name) => ({ path: `${path}/${name}`, mtimeMs: mtimeOf(`${path}/${name}`) }))
    .sort((a, b) => b.mtimeMs - a.mtimeMs);
  for (const [index, file] of files.entries()) {
    if (index >= mostKept || file.mtimeMs < limit) removePartial(addon, file.path);
  }
}

/** An open, locked file that is still the one of this path; undefined when there is none, or somebody has it. */
function lockFile(addon: NativeAddon, path: string, flags: number): number | undefined {
  let fd: number;
  try {
    fd = openSync(path, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK, 0o600);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw ioError(error, 'open', path);
  }
  if (addon.lock(fd, 'exclusive', false) && statSync(path, { throwIfNoEntry: false })?.ino === fstatSync(fd).ino)
    return fd;
  closeSync(fd);
  return undefined;
}

function names(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw ioError(error, 'list', path);
  }
}

function mtimeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
