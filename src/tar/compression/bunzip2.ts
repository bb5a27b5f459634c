import { archiveError } from '../archive-error.ts';
import { bzip2Bits } from './bzip2-bits.ts';
import type { Bzip2Bits } from './bzip2-bits.ts';
import { decodeBlock } from './bzip2-block.ts';
import type { Bzip2Block } from './bzip2-block.ts';
import { bzip2Crc } from './bzip2-crc.ts';
import { byteSource } from '../byte-source.ts';

/**
 * bzip2, by the format of its 1.0.8 reference implementation. One block at a time is held: at most 3.6 MB, and what was read ahead of it.
 * Our own because what the registry has guesses where blocks end, or wants all of the input at once (docs/decisions/0008-decompression.md).
 *
 * Throws TBUILD_ARCHIVE for what is damaged or cut off, TBUILD_UNSUPPORTED for the randomised blocks of bzip2 before 0.9.5.
 */
export async function* bunzip2(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const source = byteSource(stream);
  const bits = bzip2Bits(source);
  try {
    while (await startStream(bits)) {
      const capacity = (await readNumber(bits, 8)) - digitZero;
      if (capacity < 1 || capacity > 9) throw damaged();
      yield* streamBlocks(bits, capacity * 100_000);
      bits.alignToByte();
    }
  } finally {
    await source.close();
  }
}

const digitZero = 0x30;
const streamMagic = 0x425a68;
const blockMagic = 0x314159265359;
const endMagic = 0x177245385090;

/** False at the end of the archive, which zeros may fill up. */
async function startStream(bits: Bzip2Bits): Promise<boolean> {
  if (await bits.isAtEnd()) return false;
  const magic = await readNumber(bits, 24);
  if (magic === streamMagic) return true;
  if (magic !== 0 || !(await bits.onlyZerosFollow())) throw damaged();
  return false;
}

async function* streamBlocks(bits: Bzip2Bits, capacity: number): AsyncGenerator<Uint8Array, void, undefined> {
  const links = new Uint32Array(capacity);
  let combined = 0;
  for (;;) {
    const magic = (await readNumber(bits, 24)) * 2 ** 24 + (await readNumber(bits, 24));
    const crc = (await readNumber(bits, 16)) * 2 ** 16 + (await readNumber(bits, 16));
    if (magic === endMagic) {
      if (crc !== combined) throw damaged();
      return;
    }
    if (magic !== blockMagic) throw damaged();
    const block = await bits.decode((reader) => decodeBlock(reader, links));
    let actual = bzip2Crc.start;
    for (const chunk of expanded(block)) {
      actual = bzip2Crc.update(actual, chunk);
      yield chunk;
    }
    actual = bzip2Crc.finish(actual);
    if (actual !== crc) throw damaged();
    combined = (((combined << 1) | (combined >>> 31)) ^ crc) >>> 0;
  }
}

const outputChunk = 256 * 1024;
const longestRun = 259;

/** Undoes the block sort and the first run-length coding: four equal bytes are followed by the number of further ones. */
function* expanded({ links, count, origin }: Bzip2Block): Generator<Uint8Array, void, undefined> {
  if (count === 0) return;
  let output = Buffer.allocUnsafe(outputChunk);
  let length = 0;
  let link = (links[origin] ?? 0) >>> 8;
  let previous = -1;
  let repeats = 0;
  for (let taken = 0; taken < count; taken++) {
    const entry = links[link] ?? 0;
    link = entry >>> 8;
    const byte = entry & 0xff;
    if (repeats === 4) {
      output.fill(previous, length, length + byte);
      length += byte;
      repeats = 0;
    } else {
      repeats = byte === previous ? repeats + 1 : 1;
      previous = byte;
      output[length++] = byte;
    }
    if (length > outputChunk - longestRun) {
      yield output.subarray(0, length);
      output = Buffer.allocUnsafe(outputChunk);
      length = 0;
    }
  }
  if (length > 0) yield output.subarray(0, length);
}

function readNumber(bits: Bzip2Bits, width: number): Promise<number> {
  return bits.decode((reader) => reader.read(width));
}

function damaged(): Error {
  return archiveError('the bzip2 data is damaged, or other bytes follow it', { hint: 'Get the archive again.' });
}
