import type { NativeAddon, PruneRule } from '../native/addon.ts';
import { TbuildError } from '../errors.ts';
import { decodePathBytes, encodePathBytes } from '../util/path-bytes.ts';
import { contextChanged } from './context-changed.ts';

/** A tree as `scanTree` listed it. Records are numbered in the order of the scan: depth first, names sorted by bytes. Nothing but the places of records is decoded before it is asked for. */
export interface Scan {
  readonly buffer: Buffer;
  readonly length: number;
  /** As text; bytes that are not UTF-8 as lone surrogates. */
  path(record: number): string;
  pathBytes(record: number): Buffer;
  mode(record: number): number;
  size(record: number): bigint;
  mtimeNs(record: number): bigint;
  ctimeNs(record: number): bigint;
  links(record: number): number;
  /** Equal for two records exactly when they are the same file. */
  identity(record: number): string;
  device(record: number): bigint;
  /** The bytes of a record: equal means that nothing about the file has changed. */
  bytes(record: number): Buffer;
  /** -1: not listed. */
  find(path: string): number;
  /** One past the last record at or below this one. */
  subtreeEnd(record: number): number;
}

const headerSize = 60;

/** Throws for a record that stands for the unknown contents of a directory that may not be read: whoever comes to it needs them. */
export function requireReadable(scan: Scan, record: number): void {
  if (scan.mode(record) === 0) throw unreadableDirectory(scan.path(record).slice(0, -1));
}

/** The directory on the way to a path whose contents are unknown because it may not be read. */
export function findUnreadable(scan: Scan, path: string): string | undefined {
  for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
    if (scan.find(path.slice(0, slash + 1)) >= 0) return path.slice(0, slash);
  }
  return undefined;
}

export function unreadableDirectory(path: string): TbuildError {
  return new TbuildError('TBUILD_CONTEXT', `no permission to read the directory ${path} in the build context`, {
    hint: 'change its mode or owner, or exclude it with .dockerignore',
    details: { path },
  });
}

/** Throws `TBUILD_CONTEXT` when the root is missing, no directory, or cannot be read. */
export async function scanContext(addon: NativeAddon, root: string, rules: readonly PruneRule[]): Promise<Buffer> {
  try {
    return await addon.scanTree(root, rules);
  } catch (cause) {
    const { code, path } = cause as { readonly code?: string; readonly path?: string };
    const where = path ?? root;
    // Below the root it was there a moment ago, when its parent was listed.
    if (where !== root && (code === 'ENOENT' || code === 'ENOTDIR')) throw contextChanged(where, { cause });
    if (code === 'ENOENT')
      throw contextError(`there is no directory ${where}`, cause, 'check the path of the build context');
    if (code === 'ENOTDIR')
      throw contextError(`${where} is not a directory`, cause, 'the build context is a directory');
    if (code === 'EACCES' || code === 'EPERM') {
      throw contextError(
        `no permission to read the directory ${where}`,
        cause,
        'exclude it with .dockerignore, or change its mode',
      );
    }
    throw contextError(`cannot list ${where}: ${(cause as Error).message}`, cause, undefined);
  }
}

export function openScan(buffer: Buffer): Scan {
  const starts = recordStarts(buffer);
  const length = starts.length;
  const start = (record: number): number => {
    const at = starts[record];
    if (at === undefined) throw new TypeError(`no record ${record} in a scan of ${length}`);
    return at;
  };
  const pathBytes = (record: number): Buffer => {
    const at = start(record);
    return buffer.subarray(at + headerSize, at + headerSize + buffer.readUInt32LE(at));
  };
  return {
    buffer,
    length,
    path: (record) => decodePathBytes(pathBytes(record)),
    pathBytes,
    mode: (record) => buffer.readUInt32LE(start(record) + 4),
    size: (record) => buffer.readBigUInt64LE(start(record) + 32),
    mtimeNs: (record) => buffer.readBigInt64LE(start(record) + 40),
    ctimeNs: (record) => buffer.readBigInt64LE(start(record) + 48),
    links: (record) => buffer.readUInt32LE(start(record) + 56),
    identity: (record) => buffer.toString('latin1', start(record) + 16, start(record) + 32),
    device: (record) => buffer.readBigUInt64LE(start(record) + 16),
    bytes: (record) => buffer.subarray(start(record), starts[record + 1] ?? buffer.length),
    find(path) {
      const wanted = encodePathBytes(path);
      const at = lowerBound(length, (record) => compareWalkOrder(pathBytes(record), wanted) < 0);
      return at < length && pathBytes(at).equals(wanted) ? at : -1;
    },
    subtreeEnd(record) {
      const path = pathBytes(record);
      const from = record + 1;
      return from + lowerBound(length - from, (offset) => isBelow(pathBytes(from + offset), path));
    },
  };
}

/** The order of a depth-first walk with names sorted by bytes: a slash is less than any other byte. */
export function compareWalkOrder(left: Buffer, right: Buffer): number {
  const shared = Math.min(left.length, right.length);
  for (let index = 0; index < shared; index++) {
    const a = left[index] ?? 0;
    const b = right[index] ?? 0;
    if (a !== b) return (a === slash ? 0 : a) - (b === slash ? 0 : b);
  }
  return left.length - right.length;
}

const slash = 0x2f;

function isBelow(path: Buffer, directory: Buffer): boolean {
  return (
    path.length > directory.length &&
    path[directory.length] === slash &&
    path.compare(directory, 0, directory.length, 0, directory.length) === 0
  );
}

/** The number of leading items for which `isBefore` holds. */
function lowerBound(length: number, isBefore: (index: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBefore(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function recordStarts(buffer: Buffer): Uint32Array {
  let count = 0;
  for (let at = 0; at < buffer.length; count++) at += headerSize + buffer.readUInt32LE(at);
  const starts = new Uint32Array(count);
  for (let at = 0, record = 0; record < count; record++) {
    starts[record] = at;
    at += headerSize + buffer.readUInt32LE(at);
  }
  return starts;
}

function contextError(message: string, cause: unknown, hint: string | undefined): TbuildError {
  return new TbuildError('TBUILD_CONTEXT', message, { cause, hint });
}
