import { TbuildError } from '../../errors.ts';
import { archiveError } from '../archive-error.ts';
import type { BitReader } from './bzip2-bits.ts';
import { readCodes } from './bzip2-codes.ts';
import type { Code } from './bzip2-codes.ts';

/** A decoded block, still sorted: `links[i]` is a byte in its low 8 bits, and above them where the one behind it stands. What is behind `count` means nothing. */
export interface Bzip2Block {
  readonly links: Uint32Array;
  readonly count: number;
  readonly origin: number;
}

const groupSize = 50;
const mostCodes = 6;
const mostSelectors = 18_002;

/** Reads a block behind its magic and CRC into `links`, which is as long as a block may be. Throws TBUILD_ARCHIVE, TBUILD_UNSUPPORTED, and what the reader throws. */
export function decodeBlock(reader: BitReader, links: Uint32Array): Bzip2Block {
  if (reader.read(1) === 1) {
    throw new TbuildError(
      'TBUILD_UNSUPPORTED',
      'the archive has a randomised block, which bzip2 0.9.5 and later never write',
      {
        hint: 'Compress the archive again with a current bzip2.',
      },
    );
  }
  const origin = reader.read(24);
  const symbols = readSymbols(reader);
  const { selectors, codes } = readTables(reader, symbols.length + 2);
  const count = readBytes(reader, { links, symbols, selectors, codes });
  if (count > 0 && origin >= count) throw damaged();
  link(links, count);
  return { links, count, origin };
}

/** The byte values that occur, ascending: a bit for each sixteen, then one for each value of those. */
function readSymbols(reader: BitReader): number[] {
  const sixteens = reader.read(16);
  const symbols: number[] = [];
  for (let high = 0; high < 16; high++) {
    if ((sixteens & (0x8000 >>> high)) === 0) continue;
    const ones = reader.read(16);
    for (let low = 0; low < 16; low++) if ((ones & (0x8000 >>> low)) !== 0) symbols.push(high * 16 + low);
  }
  if (symbols.length === 0) throw damaged();
  return symbols;
}

function readTables(
  reader: BitReader,
  alphabet: number,
): { readonly selectors: Uint8Array; readonly codes: readonly Code[] } {
  const codeCount = reader.read(3);
  const selectorCount = reader.read(15);
  if (codeCount < 2 || codeCount > mostCodes || selectorCount === 0) throw damaged();
  const front = Uint8Array.from({ length: codeCount }, (_, index) => index);
  // Some writers announce more than can be used; the reference skips them, too.
  const selectors = new Uint8Array(Math.min(selectorCount, mostSelectors));
  for (let index = 0; index < selectorCount; index++) {
    let depth = 0;
    while (reader.read(1) === 1) if (++depth >= codeCount) throw damaged();
    const selector = moveToFront(front, depth);
    if (index < selectors.length) selectors[index] = selector;
  }
  return { selectors, codes: readCodes(reader, { count: codeCount, alphabet }) };
}

interface Tables {
  readonly links: Uint32Array;
  readonly symbols: readonly number[];
  readonly selectors: Uint8Array;
  readonly codes: readonly Code[];
}

const runA = 0;
const runB = 1;

/** Puts the bytes of the block into `links`; how many. Symbols 0 and 1 are the digits of a run's length, in bijective base 2; the highest is the end. */
function readBytes(reader: BitReader, { links, symbols, selectors, codes }: Tables): number {
  const front = Uint8Array.from(symbols);
  const end = symbols.length + 1;
  let count = 0;
  let run = 0;
  let digit = 1;
  for (const selector of selectors) {
    const decode = codes[selector];
    if (decode === undefined) throw damaged();
    for (let index = 0; index < groupSize; index++) {
      const symbol = decode(reader);
      if (symbol === runA || symbol === runB) {
        run += symbol === runA ? digit : 2 * digit;
        digit *= 2;
        if (count + run > links.length) throw damaged();
        continue;
      }
      if (run > 0) {
        links.fill(front[0] ?? 0, count, count + run);
        count += run;
        run = 0;
        digit = 1;
      }
      if (symbol === end) return count;
      if (count >= links.length) throw damaged();
      links[count++] = moveToFront(front, symbol - 1);
    }
  }
  throw damaged();
}

function moveToFront(list: Uint8Array, index: number): number {
  const value = list[index] ?? 0;
  if (index < 16) for (let at = index; at > 0; at--) list[at] = list[at - 1] ?? 0;
  else list.copyWithin(1, 0, index);
  list[0] = value;
  return value;
}

/** Writes above each byte where its successor stands: the sorted order of equal bytes is the order in which they come. */
function link(links: Uint32Array, count: number): void {
  const next = new Uint32Array(256);
  for (let index = 0; index < count; index++)
    next[(links[index] ?? 0) & 0xff] = (next[(links[index] ?? 0) & 0xff] ?? 0) + 1;
  let start = 0;
  for (let byte = 0; byte < 256; byte++) {
    const amount = next[byte] ?? 0;
    next[byte] = start;
    start += amount;
  }
  for (let index = 0; index < count; index++) {
    const byte = (links[index] ?? 0) & 0xff;
    const place = next[byte] ?? 0;
    next[byte] = place + 1;
    links[place] = ((links[place] ?? 0) & 0xff) | (index << 8);
  }
}

function damaged(): Error {
  return archiveError('the bzip2 data is damaged', { hint: 'Get the archive again.' });
}
