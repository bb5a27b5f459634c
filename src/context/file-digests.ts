import { readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { TbuildError } from '../errors.ts';
import type { NativeAddon } from '../native/addon.ts';
import { decodePathBytes } from '../util/path-bytes.ts';
import { contextChanged } from './context-changed.ts';
import { isLink, isRegular } from './file-type.ts';
import type { Scan } from './scan.ts';
import type { Knowledge } from './stat-index.ts';
import { requireUtf8 } from './utf8-name.ts';
import { fresh, trusted, unknown } from './stat-index.ts';

/** Contents behind the records of one scan, read at most once and only when asked for. */
export interface FileDigests {
  /** Makes `sha256` and `xattrs` of these records known. Calls do not overlap, so a file asked for twice is read once. Throws `TBUILD_CONTEXT` for what cannot be read. */
  read(records: readonly number[], signal: AbortSignal | undefined): Promise<void>;
  /** Of a record that was read: 64 hex digits. */
  sha256(record: number): string;
  xattrs(record: number): Readonly<Record<string, string>>;
  /** Target of a symlink, read now if it is not known. */
  link(record: number): string;
  /** The stamps alone cannot prove that the file is still what was read. */
  isFresh(record: number): boolean;
  /** True once something trusted was learned that the index did not have. */
  hasLearned(): boolean;
}

export interface FileDigestsOptions {
  readonly addon: NativeAddon;
  readonly root: string;
  readonly scan: Scan;
  readonly knowledge: Knowledge;
}

/** One for all, so that it costs nothing and is recognised. */
export const noXattrs: Readonly<Record<string, string>> = Object.freeze({});

const coarseNs = 2_000_000_000n;
const fineNs = 20_000_000n;

export function createFileDigests({ addon, root, scan, knowledge }: FileDigestsOptions): FileDigests {
  const precision = stampPrecision(scan);
  let learned = false;
  let queue: Promise<void> = Promise.resolve();

  const note = (record: number, startNs: bigint): void => {
    const settled = scan.ctimeNs(record) < startNs - precision(record);
    knowledge.state[record] = settled ? trusted : fresh;
    learned ||= settled;
  };
  const hash = async (records: readonly number[], signal: AbortSignal | undefined): Promise<void> => {
    signal?.throwIfAborted();
    const missing = records.filter((record) => knowledge.state[record] === unknown && isRegular(scan.mode(record)));
    if (missing.length === 0) return;
    const startNs = BigInt(Date.now()) * 1_000_000n;
    const paths = missing.map((record) => requireUtf8(scan.path(record)));
    const answer = await addon.hashFiles(root, paths);
    let at = 0;
    for (const [index, record] of missing.entries()) {
      const status = answer[at] ?? 0;
      if (status !== 0) throw unreadable(paths[index] ?? '', status);
      answer.copy(knowledge.digests, record * 32, at + 1, at + 33);
      const length = answer.readUInt32LE(at + 33);
      at += 37;
      if (length > 0) knowledge.extras.set(record, answer.toString('utf8', at, at + length));
      at += length;
      note(record, startNs);
    }
  };
  return {
    read(records, signal) {
      const turn = queue.then(() => hash(records, signal));
      queue = turn.catch(() => undefined);
      return turn;
    },
    sha256(record) {
      if (knowledge.state[record] === unknown) throw new TypeError(`record ${record} was not read`);
      return knowledge.digests.toString('hex', record * 32, record * 32 + 32);
    },
    xattrs: (record) =>
      isLink(scan.mode(record)) || knowledge.state[record] === unknown
        ? noXattrs
        : parseXattrs(knowledge.extras.get(record)),
    link(record) {
      const known = knowledge.state[record] === unknown ? undefined : knowledge.extras.get(record);
      if (known !== undefined) return known;
      const startNs = BigInt(Date.now()) * 1_000_000n;
      const target = readLink(join(root, scan.path(record)), scan.path(record));
      knowledge.extras.set(record, target);
      note(record, startNs);
      return target;
    },
    isFresh: (record) => knowledge.state[record] === fresh,
    hasLearned: () => learned,
  };
}

/**
 * How long before the hashing a file must have been changed last for its stamps to prove anything: file systems that keep whole seconds need 2 s (FAT); where a device shows
 * fractions, the kernel's clock tick (10 ms at most) twice.
 */
function stampPrecision(scan: Scan): (record: number) => bigint {
  let fine: Set<bigint> | undefined;
  return (record) => {
    fine ??= devicesWithFractions(scan);
    return fine.has(scan.device(record)) ? fineNs : coarseNs;
  };
}

function devicesWithFractions(scan: Scan): Set<bigint> {
  const devices = new Set<bigint>();
  for (let record = 0; record < scan.length; record++) {
    const device = scan.device(record);
    if (!devices.has(device) && scan.ctimeNs(record) % 1_000_000_000n !== 0n) devices.add(device);
  }
  return devices;
}

function parseXattrs(text: string | undefined): Readonly<Record<string, string>> {
  if (text === undefined) return noXattrs;
  const xattrs: Record<string, string> = {};
  for (const pair of text.split('\0')) {
    const equals = pair.lastIndexOf('=');
    // BuildKit loses file capabilities of a context: writing the content after them drops them, as write(2) always does.
    if (equals > 0 && !pair.startsWith('security.capability=')) xattrs[pair.slice(0, equals)] = pair.slice(equals + 1);
  }
  return xattrs;
}

function readLink(absolute: string, path: string): string {
  try {
    return decodePathBytes(readlinkSync(absolute, 'buffer'));
  } catch (cause) {
    throw contextChanged(path, { cause });
  }
}

const permissionErrnos: readonly number[] = [1, 13];
/** What a path says when it is gone, or is something else than it was: ENOENT, ENXIO, ENOTDIR, EISDIR, EINVAL, ELOOP. */
const changedErrnos: readonly number[] = [2, 6, 20, 21, 22, 40];

function unreadable(path: string, errno: number): TbuildError {
  const details = { path, errno };
  if (permissionErrnos.includes(errno)) {
    return new TbuildError('TBUILD_CONTEXT', `no permission to read ${path} in the build context`, {
      hint: 'change its mode or owner, or exclude it with .dockerignore',
      details,
    });
  }
  if (changedErrnos.includes(errno)) return contextChanged(path, { details });
  return new TbuildError('TBUILD_CONTEXT', `cannot read ${path} in the build context (errno ${errno})`, { details });
}
