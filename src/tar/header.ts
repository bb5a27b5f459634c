import { archiveError } from './archive-error.ts';

export const blockSize: number = 512;

/** One 512-byte header block, decoded. Names are raw bytes: PAX and GNU records may still replace them. */
export interface TarHeader {
  /** The type flag, as a character: `0`, `5`, `x`… NUL is `\0`. */
  readonly type: string;
  readonly name: Buffer;
  readonly linkname: Buffer;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Seconds. */
  readonly mtime: number;
  readonly major: number;
  readonly minor: number;
}

/**
 * Decodes a header in v7, ustar, star or GNU format, as Go's archive/tar (docker's reader) does: octal or base-256 numbers, signed or unsigned checksum.
 * Undefined: a block of zeros. Throws TBUILD_ARCHIVE.
 */
export function decodeHeader(block: Buffer, position: number): TarHeader | undefined {
  const stored = decodeNumber(block.subarray(148, 156), 'checksum', position);
  const { unsigned, signed } = checksums(block);
  if (stored !== unsigned && stored !== signed) {
    if (isZero(block)) return undefined;
    throw archiveError(`no tar header at byte ${position}: its checksum is wrong`, {
      hint: 'The file is damaged, or it is no tar archive.',
    });
  }
  const number = (offset: number, length: number, what: string): number =>
    decodeNumber(block.subarray(offset, offset + length), what, position);
  const format = formatOf(block);
  const type = String.fromCharCode(block[156] ?? 0);
  const isDevice = type === '3' || type === '4';
  return {
    type,
    name: nameOf(block, format),
    linkname: text(block, 157, 100),
    mode: number(100, 8, 'mode') & 0o7777,
    uid: number(108, 8, 'uid'),
    gid: number(116, 8, 'gid'),
    size: number(124, 12, 'size'),
    mtime: number(136, 12, 'mtime'),
    major: isDevice && format !== 'v7' ? number(329, 8, 'device number') : 0,
    minor: isDevice && format !== 'v7' ? number(337, 8, 'device number') : 0,
  };
}

/** True for a block that begins a tar archive: a header with a right checksum. */
export function looksLikeTar(block: Uint8Array): boolean {
  if (block.length < blockSize) return false;
  try {
    return decodeHeader(Buffer.from(block.buffer, block.byteOffset, blockSize), 0) !== undefined;
  } catch {
    return false;
  }
}

type Format = 'v7' | 'ustar' | 'star' | 'gnu';

function formatOf(block: Buffer): Format {
  const magic = block.toString('latin1', 257, 265);
  if (magic === 'ustar  \0') return 'gnu';
  if (!magic.startsWith('ustar\0')) return 'v7';
  return block.toString('latin1', 508, 512) === 'tar\0' ? 'star' : 'ustar';
}

function nameOf(block: Buffer, format: Format): Buffer {
  const name = text(block, 0, 100);
  if (format === 'v7' || format === 'gnu') return name;
  const prefix = text(block, 345, format === 'star' ? 131 : 155);
  return prefix.length === 0 ? name : Buffer.concat([prefix, Buffer.from('/'), name]);
}

/** Up to the first NUL. A view: copy what outlives the block. */
function text(block: Buffer, offset: number, length: number): Buffer {
  const field = block.subarray(offset, offset + length);
  const end = field.indexOf(0);
  return end === -1 ? field : field.subarray(0, end);
}

function decodeNumber(field: Buffer, what: string, position: number): number {
  const value = (field[0] ?? 0) & 0x80 ? decodeBase256(field) : decodeOctal(field);
  if (value === undefined || !Number.isSafeInteger(value)) {
    throw archiveError(`tar header at byte ${position}: malformed ${what}`);
  }
  return value;
}

/** Digits between optional blanks and NULs, ended by the first NUL; nothing at all is 0. */
function decodeOctal(field: Buffer): number | undefined {
  const isBlank = (byte: number | undefined): boolean => byte === 0x20 || byte === 0;
  let index = 0;
  let end = field.length;
  while (index < end && isBlank(field[index])) index++;
  while (end > index && isBlank(field[end - 1])) end--;
  let value = 0;
  for (; index < end && field[index] !== 0; index++) {
    const digit = (field[index] ?? 0) - 0x30;
    if (digit < 0 || digit > 7) return undefined;
    value = value * 8 + digit;
  }
  return value;
}

/** GNU's form for what octal cannot hold: big-endian two's complement with the top bit set. */
function decodeBase256(field: Buffer): number {
  const first = field[0] ?? 0;
  let value = first & 0x40 ? (-1n << 6n) | BigInt(first & 0x3f) : BigInt(first & 0x3f);
  for (const byte of field.subarray(1)) value = (value << 8n) | BigInt(byte);
  return Number(value);
}

/** Of the block with its checksum field taken as blanks; signed is what very old tars wrote. */
function checksums(block: Buffer): { unsigned: number; signed: number } {
  let unsigned = 8 * 0x20;
  let high = 0;
  for (let index = 0; index < blockSize; index++) {
    if (index >= 148 && index < 156) continue;
    const byte = block[index] ?? 0;
    unsigned += byte;
    if (byte > 127) high++;
  }
  return { unsigned, signed: unsigned - 256 * high };
}

function isZero(block: Buffer): boolean {
  return block.every((byte) => byte === 0);
}
