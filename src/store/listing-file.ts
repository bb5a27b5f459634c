import { TbuildError } from '../errors.ts';
import type { Checksum } from '../util/checksum.ts';

const footerLength = 32;
const magic = Buffer.from('tbuildL1');
const newline = 0x0a;

/** The parts of a listing file: text, offset table, footer (docs/store-listing.md). */
export function sealListing(text: Buffer, entries: number, checksum: Checksum): readonly Uint8Array[] {
  const table = Buffer.alloc(entries * 8);
  let start = 0;
  for (let line = 0; line < entries; line += 1) {
    const end = text.indexOf(newline, start);
    if (end === -1) throw miscounted(entries);
    table.writeUInt32LE(start % 2 ** 32, line * 8);
    table.writeUInt32LE(Math.floor(start / 2 ** 32), line * 8 + 4);
    start = end + 1;
  }
  if (start !== text.length) throw miscounted(entries);
  const footer = Buffer.alloc(footerLength);
  footer.writeBigUInt64LE(BigInt(text.length), 0);
  footer.writeBigUInt64LE(BigInt(entries), 8);
  footer.writeBigUInt64LE(checksum([text, table, footer.subarray(0, 16)]), 16);
  magic.copy(footer, 24);
  return [text, Buffer.concat([table, footer])];
}

/** A listing in memory. */
export interface ListingText {
  readonly text: Buffer;
  readonly count: number;
  /** Bytes held. */
  readonly size: number;
  /** Where a line begins; `start(count)` is the end of the text. */
  start(line: number): number;
}

/** The inverse of {@link sealListing}; undefined when torn or altered anywhere. */
export function unsealListing(file: Buffer, checksum: Checksum): ListingText | undefined {
  const footer = file.length - footerLength;
  if (footer < 0 || !file.subarray(footer + 24).equals(magic)) return undefined;
  if (checksum([file.subarray(0, footer + 16)]) !== file.readBigUInt64LE(footer + 16)) return undefined;
  const textLength = Number(file.readBigUInt64LE(footer));
  const count = Number(file.readBigUInt64LE(footer + 8));
  if (textLength + count * 8 !== footer) return undefined;
  const start = (line: number): number => {
    if (line === count) return textLength;
    const at = textLength + line * 8;
    return file.readUInt32LE(at) + file.readUInt32LE(at + 4) * 2 ** 32;
  };
  return { text: file.subarray(0, textLength), count, size: file.length, start };
}

function miscounted(entries: number): TbuildError {
  return new TbuildError('TBUILD_HELPER', `the helper sent a listing that does not have ${entries} whole lines`);
}
