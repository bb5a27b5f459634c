import { readSmallFile } from '../util/small-file.ts';
import type { Checksum } from '../util/checksum.ts';

// Text: the body, a newline, and a line `xxh64 <16 hex digits>` over all before it, so that `cat` shows it.
const textTrailerLength = 'xxh64 0123456789abcdef\n'.length;
// Bytes: the content, then u64 LE xxh64 of it, then the magic.
const magic = Buffer.from('tbuildG1');

/** JSON with a trailing checksum line. */
export function sealJson(value: unknown, checksum: Checksum): Buffer {
  const json = JSON.stringify(value);
  if (typeof json !== 'string') throw new TypeError('a value of the store must be JSON');
  const body = Buffer.from(`${json}\n`);
  return Buffer.concat([body, Buffer.from(`xxh64 ${hexOf(checksum([body]))}\n`)]);
}

/** The inverse of {@link sealJson}; undefined when torn or altered anywhere. */
export function unsealJson(bytes: Buffer, checksum: Checksum): unknown {
  const bodyLength = bytes.length - textTrailerLength;
  if (bodyLength < 1) return undefined;
  const body = bytes.subarray(0, bodyLength);
  const trailer = bytes.toString('latin1', bodyLength);
  if (trailer !== `xxh64 ${hexOf(checksum([body]))}\n`) return undefined;
  return JSON.parse(body.toString('utf8'));
}

/** A sealed JSON file; undefined when absent, torn or altered. */
export function readSealedJson(path: string, checksum: Checksum): unknown {
  const bytes = readSmallFile(path);
  return bytes === undefined ? undefined : unsealJson(bytes, checksum);
}

/** The trailer that follows guarded bytes in their file. */
export function bytesTrailer(content: Uint8Array, checksum: Checksum): Buffer {
  const sum = Buffer.alloc(8);
  sum.writeBigUInt64LE(checksum([content]));
  return Buffer.concat([sum, magic]);
}

/** Guarded bytes without their trailer; undefined when torn or altered. */
export function unsealBytes(file: Buffer, checksum: Checksum): Buffer | undefined {
  const length = file.length - 8 - magic.length;
  if (length < 0) return undefined;
  const content = file.subarray(0, length);
  return bytesTrailer(content, checksum).equals(file.subarray(length)) ? content : undefined;
}

function hexOf(sum: bigint): string {
  return sum.toString(16).padStart(16, '0');
}
