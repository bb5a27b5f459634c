import { archiveError } from './archive-error.ts';
import { byteSource } from './byte-source.ts';
import type { ByteSource } from './byte-source.ts';
import { blockSize, decodeHeader } from './header.ts';
import type { TarHeader } from './header.ts';
import { parsePax, paxInteger, paxXattrs } from './pax.ts';
import type { PaxRecords } from './pax.ts';

export type TarEntryType = 'file' | 'directory' | 'symlink' | 'hardlink' | 'character' | 'block' | 'fifo';

export interface TarEntry {
  /** As it stands in the archive: not cleaned, may be absolute or hold `..`. No NUL, at most 4,095 bytes. */
  readonly path: string;
  readonly type: TarEntryType;
  /** 07777 bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Whole seconds, rounded down; may be negative. */
  readonly mtime: number;
  /** Bytes of content; 0 for all but files. */
  readonly size: number;
  /** Target of symlinks (as stored) and hard links; '' otherwise. */
  readonly linkname: string;
  /** Name to lower-case hex. */
  readonly xattrs: Readonly<Record<string, string>>;
  readonly major: number;
  readonly minor: number;
  /** Where the content begins, counted from the beginning of the (unpacked) archive. */
  readonly offset: number;
  /** Can be read once, and only until the next entry is asked for; what was not read is skipped. */
  readonly content: AsyncIterable<Uint8Array>;
}

/**
 * Reads an uncompressed tar stream to its end, with the outcome of Go's archive/tar (docker's reader): links, directories and devices have no content whatever their size field says, PAX
 * and GNU long names override the header, global PAX headers count for nothing, the archive ends at two zero blocks. Breaking off closes the stream.
 *
 * Throws TBUILD_ARCHIVE: cut off or damaged, GNU sparse files and other unknown types, names that are not UTF-8 or over 4,095 bytes, extended headers over 1 MiB, ids outside 0…2³²−2,
 * more than 5 million entries.
 *
 * Not tar-stream's `extract`: that decodes extended attributes as text (which destroys capabilities and ACLs), reads content behind links and goes on after the end of the archive.
 */
export async function* readTar(
  archive: AsyncIterable<Uint8Array> | ByteSource,
): AsyncGenerator<TarEntry, void, undefined> {
  const source = Symbol.asyncIterator in archive ? byteSource(archive) : archive;
  try {
    for (let count = 0; ; count++) {
      if (count > maxEntries) throw archiveError(`the archive has more than ${maxEntries} entries`);
      const next = await readEntryHeader(source);
      if (next === undefined) break;
      const entry = resolveEntry(next);
      const content = entryContent(source, entry.size);
      yield { ...entry, offset: source.position, content: content.data };
      await content.finish();
    }
    await source.drain();
  } finally {
    await source.close();
  }
}

const maxEntries = 5_000_000;
const maxExtendedHeader = 1024 * 1024;
const maxPathBytes = 4095;
const maxId = 2 ** 32 - 2;

interface EntryHeader {
  readonly header: TarHeader;
  readonly pax: PaxRecords;
  readonly longName: Buffer | undefined;
  readonly longLink: Buffer | undefined;
}

/** The next header with the extended headers in front of it; undefined at the end of the archive. */
async function readEntryHeader(source: ByteSource): Promise<EntryHeader | undefined> {
  let pax: PaxRecords | undefined;
  let longName: Buffer | undefined;
  let longLink: Buffer | undefined;
  for (;;) {
    const header = await readHeader(source);
    if (header === undefined) {
      if (pax !== undefined || longName !== undefined || longLink !== undefined) {
        throw archiveError('the archive ends after an extended header');
      }
      return undefined;
    }
    switch (header.type) {
      case 'x':
        pax = parsePax(await readExtendedHeader(source, header));
        break;
      case 'g':
        parsePax(await readExtendedHeader(source, header));
        break;
      case 'L':
        longName = untilNul(await readExtendedHeader(source, header));
        break;
      case 'K':
        longLink = untilNul(await readExtendedHeader(source, header));
        break;
      default:
        return { header, pax: pax ?? noRecords, longName, longLink };
    }
  }
}

const noRecords: PaxRecords = new Map();

async function readHeader(source: ByteSource): Promise<TarHeader | undefined> {
  const position = source.position;
  const block = await source.take(blockSize);
  if (block === undefined) return undefined;
  const header = decodeHeader(block, position);
  if (header !== undefined) return header;
  const second = await source.take(blockSize);
  if (second !== undefined && decodeHeader(second, position + blockSize) !== undefined) {
    throw archiveError(`a lone block of zeros at byte ${position}, with entries behind it`);
  }
  return undefined;
}

async function readExtendedHeader(source: ByteSource, { size }: TarHeader): Promise<Buffer> {
  if (size < 0 || size > maxExtendedHeader)
    throw archiveError(`an extended header of ${size} bytes is over the 1 MiB limit`);
  // A copy: the next header may come from the same memory.
  const data = size === 0 ? Buffer.alloc(0) : Buffer.from((await source.take(size)) ?? (await source.some(size)));
  await source.skip(padding(size));
  return data;
}

function resolveEntry({ header, pax, longName, longLink }: EntryHeader): Omit<TarEntry, 'content' | 'offset'> {
  const path = decodeName(longName ?? paxName(pax, 'path') ?? header.name, 'name');
  const linkname = decodeName(longLink ?? paxName(pax, 'linkpath') ?? header.linkname, 'link target');
  if (path === '') throw archiveError('an entry has an empty name');
  const type = typeOf(header.type, path);
  refuseSparse(pax, path);
  const isLink = type === 'symlink' || type === 'hardlink';
  if (isLink && linkname === '') throw archiveError(`${shown(path)}: a link without a target`);
  const size = paxInteger(pax, 'size') ?? header.size;
  if (size < 0) throw archiveError(`${shown(path)}: a negative size`);
  return {
    path,
    type,
    mode: header.mode,
    uid: checkId(paxInteger(pax, 'uid') ?? header.uid, path),
    gid: checkId(paxInteger(pax, 'gid') ?? header.gid, path),
    mtime: paxInteger(pax, 'mtime') ?? header.mtime,
    size: type === 'file' ? size : 0,
    linkname: isLink ? linkname : '',
    xattrs: pax.size === 0 ? noXattrs : paxXattrs(pax),
    major: header.major,
    minor: header.minor,
  };
}

const noXattrs: Readonly<Record<string, string>> = {};

function typeOf(flag: string, path: string): TarEntryType {
  switch (flag) {
    case '\0':
      return path.endsWith('/') ? 'directory' : 'file';
    case '0':
    case '7':
      return 'file';
    case '1':
      return 'hardlink';
    case '2':
      return 'symlink';
    case '3':
      return 'character';
    case '4':
      return 'block';
    case '5':
      return 'directory';
    case '6':
      return 'fifo';
    case 'S':
      throw sparse(path);
    default:
      throw archiveError(`${shown(path)}: unknown tar entry type ${JSON.stringify(flag)}`);
  }
}

function refuseSparse(pax: PaxRecords, path: string): void {
  for (const key of pax.keys()) if (key.startsWith('GNU.sparse.')) throw sparse(path);
}

function sparse(path: string): Error {
  return archiveError(`${shown(path)}: GNU sparse files are not supported`, {
    hint: 'Make the archive without --sparse (-S).',
  });
}

function checkId(id: number, path: string): number {
  if (id < 0 || id > maxId) throw archiveError(`${shown(path)}: owner ${id} is outside 0 to ${maxId}`);
  return id;
}

function paxName(pax: PaxRecords, key: 'path' | 'linkpath'): Buffer | undefined {
  const value = pax.get(key);
  return value === undefined || value.length === 0 ? undefined : value;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodeName(bytes: Buffer, what: string): string {
  if (bytes.length > maxPathBytes)
    throw archiveError(`a ${what} of ${bytes.length} bytes is over the limit of ${maxPathBytes}`);
  if (bytes.includes(0)) throw archiveError(`NUL in the ${what} ${shown(bytes.toString('latin1'))}`);
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw archiveError(`the ${what} ${shown(bytes.toString('latin1'))} is not UTF-8`, {
      hint: 'Rename the file, or make the archive on a system with a UTF-8 locale.',
      cause,
    });
  }
}

function untilNul(data: Buffer): Buffer {
  const end = data.indexOf(0);
  return end === -1 ? data : data.subarray(0, end);
}

function entryContent(source: ByteSource, size: number): { data: AsyncIterable<Uint8Array>; finish(): Promise<void> } {
  if (size === 0) return { data: noContent(), finish: async () => {} };
  let remaining = size;
  let isOver = false;
  async function* data(): AsyncGenerator<Uint8Array, void, undefined> {
    if (isOver) throw new TypeError('The content of a tar entry can only be read before the next entry is asked for.');
    while (remaining > 0 && !isOver) {
      const part = await source.some(remaining);
      remaining -= part.length;
      yield part;
    }
  }
  return {
    data: { [Symbol.asyncIterator]: data },
    async finish() {
      isOver = true;
      await source.skip(remaining + padding(size));
    },
  };
}

async function* noContent(): AsyncGenerator<Uint8Array, void, undefined> {}

function padding(size: number): number {
  return (blockSize - (size % blockSize)) % blockSize;
}

function shown(name: string): string {
  return JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}…` : name);
}
