import { TbuildError } from '../../errors.ts';
import { archiveError } from '../archive-error.ts';
import type { ByteSource } from '../byte-source.ts';

/** One frame of zstd data: its bytes in pieces that no decoder makes more than 128 KiB of. */
export interface ZstdFrame {
  /** The header first, then each block with its header. */
  readonly pieces: AsyncIterable<Buffer>;
  /** What follows the blocks, once they have been taken: the low 32 bits of the content's xxh64. */
  checksum(): Promise<number | undefined>;
}

/**
 * The frames behind each other, by RFC 8878: skippable ones are passed over, zeros at the end are padding. What the caller leaves of a frame must be taken before the next is asked for.
 *
 * Throws TBUILD_ARCHIVE for what is cut off or damaged; TBUILD_UNSUPPORTED for dictionaries, and for frames that need a window of over 128 MiB, the limit of the zstd program.
 */
export async function* zstdFrames(source: ByteSource): AsyncGenerator<ZstdFrame, void, undefined> {
  for (;;) {
    const magic = await source.take(4);
    if (magic === undefined) return;
    const number = magic.readUInt32LE(0);
    if ((number & 0xffff_fff0) >>> 0 === skippableMagic) {
      await source.skip((await required(source, 4)).readUInt32LE(0));
    } else if (number === frameMagic) {
      yield await readFrame(source);
    } else {
      if (number !== 0) throw damaged();
      await onlyZeros(source);
      return;
    }
  }
}

const frameMagic = 0xfd2f_b528;
const skippableMagic = 0x184d_2a50;
const largestWindow = 128 * 1024 ** 2;
const largestBlock = 128 * 1024;

async function readFrame(source: ByteSource): Promise<ZstdFrame> {
  const header = await readHeader(source);
  let isTaken = false;
  async function* pieces(): AsyncGenerator<Buffer, void, undefined> {
    yield header.bytes;
    const blockLimit = Math.min(largestBlock, header.window);
    for (let isLast = false; !isLast;) {
      const head = await required(source, 3);
      const number = head.readUIntLE(0, 3);
      isLast = (number & 1) === 1;
      const type = (number >>> 1) & 3;
      const size = number >>> 3;
      if (type === 3 || size > blockLimit) throw damaged();
      // A block of one repeated byte holds that, and its size is what it becomes.
      yield Buffer.concat([head, await required(source, type === 1 ? 1 : size)]);
    }
    isTaken = true;
  }
  return {
    pieces: pieces(),
    async checksum() {
      if (!isTaken) throw new TypeError('The checksum of a frame comes behind its blocks.');
      return header.hasChecksum ? (await required(source, 4)).readUInt32LE(0) : undefined;
    },
  };
}

interface FrameHeader {
  /** With the magic, and without the mark of a checksum. */
  readonly bytes: Buffer;
  readonly window: number;
  readonly hasChecksum: boolean;
}

async function readHeader(source: ByteSource): Promise<FrameHeader> {
  const descriptor = (await required(source, 1))[0] ?? 0;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const sizeCode = descriptor >>> 6;
  const sizeLength = sizeCode === 0 ? (isSingleSegment ? 1 : 0) : 2 ** sizeCode;
  const dictionaryLength = [0, 1, 2, 4][descriptor & 3] ?? 0;
  if ((descriptor & 0x08) !== 0) throw damaged();
  const rest = await required(source, (isSingleSegment ? 0 : 1) + dictionaryLength + sizeLength);
  const dictionary = rest.subarray(isSingleSegment ? 0 : 1, rest.length - sizeLength);
  if (dictionary.some((byte) => byte !== 0)) {
    throw new TbuildError('TBUILD_UNSUPPORTED', 'the zstd data needs a dictionary', {
      hint: 'Compress the archive without one.',
    });
  }
  const window = isSingleSegment ? contentSize(rest.subarray(rest.length - sizeLength)) : windowSize(rest[0] ?? 0);
  if (window > largestWindow) {
    throw new TbuildError(
      'TBUILD_UNSUPPORTED',
      `the zstd data needs ${Math.ceil(window / 1024 ** 2)} MiB of memory to be unpacked, over the limit of 128`,
      {
        hint: 'Compress the archive again, without --long or with --long=27 at most.',
      },
    );
  }
  const bytes = Buffer.concat([magicBytes, Buffer.of(descriptor & ~checksumFlag), rest]);
  return { bytes, window, hasChecksum: (descriptor & checksumFlag) !== 0 };
}

const checksumFlag = 0x04;
const magicBytes = Buffer.of(0x28, 0xb5, 0x2f, 0xfd);

function windowSize(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >>> 3));
  return base + (base / 8) * (descriptor & 7);
}

function contentSize(field: Buffer): number {
  switch (field.length) {
    case 1:
      return field.readUInt8(0);
    case 2:
      return field.readUInt16LE(0) + 256;
    case 4:
      return field.readUInt32LE(0);
    default:
      return Number(field.readBigUInt64LE(0));
  }
}

async function required(source: ByteSource, size: number): Promise<Buffer> {
  if (size === 0) return Buffer.alloc(0);
  const bytes = await source.take(size);
  if (bytes === undefined) throw archiveError('the zstd data is cut off', { hint: 'Get the archive again.' });
  return bytes;
}

async function onlyZeros(source: ByteSource): Promise<void> {
  for (;;) {
    const part = await source.upTo(largestBlock);
    if (part === undefined) return;
    if (part.some((byte) => byte !== 0)) throw damaged();
  }
}

function damaged(): Error {
  return archiveError('the zstd data is damaged, or other bytes follow it', { hint: 'Get the archive again.' });
}
