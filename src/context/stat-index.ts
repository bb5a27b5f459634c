import type { Scan } from './scan.ts';
import { compareWalkOrder, openScan } from './scan.ts';

/** What is known about the contents behind each record of a scan. Typed arrays, because a context may have a million files. */
export interface Knowledge {
  /** By record: see the constants below. */
  readonly state: Uint8Array;
  /** By record, 32 bytes each: sha256 of a regular file's content. */
  readonly digests: Buffer;
  /** By record: target of a symlink; of others a run of NUL-terminated `NAME=HEX` strings, where there are any. */
  readonly extras: Map<number, string>;
}

export const unknown = 0;
/** The content is what the digest says as long as the stamps stay the same. */
export const trusted = 1;
/** Read so soon after its last change that another change could leave the stamps as they are: good for this build only, and checked when copied. */
export const fresh = 2;

/** What a build of the same sources needs to know when nothing at all has changed. */
export interface Memo {
  readonly digest: string;
  readonly files: number;
  readonly bytes: number;
  readonly matches: number;
}

/** The stat index of one context (ARCHITECTURE, "Stat index"): the last scan as it was, and what was learned about it. */
export interface StatIndex {
  readonly scan: Buffer;
  readonly knowledge: Knowledge;
  /** Identifies the ignore rules that the memos were made under. */
  readonly rulesKey: string;
  readonly memos: ReadonlyMap<string, Memo>;
}

/** Where the caller keeps the index. `read` answers undefined when there is none or it is damaged. */
export interface IndexFile {
  read(name: string): Promise<Buffer | undefined>;
  write(name: string, bytes: Buffer): Promise<void>;
}

const magic = Buffer.from('tbuildC1', 'latin1');
const headerSize = 24;

/** Only what is trusted is written. */
export function encodeIndex(index: StatIndex): Buffer {
  const { state } = index.knowledge;
  const kept = state.map((value) => (value === trusted ? trusted : unknown));
  const digests = Buffer.alloc(index.knowledge.digests.length);
  for (const [record, value] of kept.entries()) {
    if (value === trusted) index.knowledge.digests.copy(digests, record * 32, record * 32, record * 32 + 32);
  }
  const extras = [...index.knowledge.extras].filter(([record]) => kept[record] === trusted);
  const extrasText = Buffer.from(JSON.stringify(extras));
  const memoText = Buffer.from(JSON.stringify({ rules: index.rulesKey, memos: [...index.memos] }));
  const header = Buffer.alloc(headerSize);
  magic.copy(header);
  header.writeUInt32LE(index.scan.length, 8);
  header.writeUInt32LE(state.length, 12);
  header.writeUInt32LE(extrasText.length, 16);
  header.writeUInt32LE(memoText.length, 20);
  return Buffer.concat([header, index.scan, kept, digests, extrasText, memoText]);
}

/** Undefined when it is not a whole index of this format. Extras are parsed when first asked for. */
export function decodeIndex(bytes: Buffer): StatIndex | undefined {
  if (bytes.length < headerSize || !bytes.subarray(0, 8).equals(magic)) return undefined;
  const scanLength = bytes.readUInt32LE(8);
  const records = bytes.readUInt32LE(12);
  const extrasLength = bytes.readUInt32LE(16);
  const memoLength = bytes.readUInt32LE(20);
  if (bytes.length !== headerSize + scanLength + records * 33 + extrasLength + memoLength) return undefined;
  let at = headerSize;
  const take = (length: number): Buffer => bytes.subarray(at, (at += length));
  const scan = take(scanLength);
  const state = take(records);
  const digests = take(records * 32);
  const extrasText = take(extrasLength);
  const header = JSON.parse(take(memoLength).toString()) as { rules: string; memos: [string, Memo][] };
  let extras: Map<number, string> | undefined;
  return {
    scan,
    knowledge: {
      state,
      digests,
      get extras() {
        extras ??= new Map(JSON.parse(extrasText.toString()) as [number, string][]);
        return extras;
      },
    },
    rulesKey: header.rules,
    memos: new Map(header.memos),
  };
}

export function emptyKnowledge(records: number): Knowledge {
  return { state: new Uint8Array(records), digests: Buffer.alloc(records * 32), extras: new Map() };
}

/** What an earlier index knows about the records of a new scan that are the same to the last byte. */
export function carryOver(earlier: StatIndex | undefined, scan: Scan): Knowledge {
  const result = emptyKnowledge(scan.length);
  if (earlier === undefined) return result;
  const before = openScan(earlier.scan);
  if (before.length !== earlier.knowledge.state.length) return result;
  const { state, digests, extras } = earlier.knowledge;
  let old = 0;
  for (let record = 0; record < scan.length; record++) {
    const bytes = scan.bytes(record);
    if (old >= before.length) break;
    if (!before.bytes(old).equals(bytes)) {
      const path = scan.pathBytes(record);
      while (old < before.length && compareWalkOrder(before.pathBytes(old), path) < 0) old++;
      if (old >= before.length || !before.bytes(old).equals(bytes)) continue;
    }
    if (state[old] === trusted) {
      result.state[record] = trusted;
      digests.copy(result.digests, record * 32, old * 32, old * 32 + 32);
      const extra = extras.get(old);
      if (extra !== undefined) result.extras.set(record, extra);
    }
    old++;
  }
  return result;
}
