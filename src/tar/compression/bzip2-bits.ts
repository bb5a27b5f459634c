import { archiveError } from '../archive-error.ts';
import type { ByteSource } from '../byte-source.ts';

/** Reads bits, highest first, from bytes that are all there. Throws {@link Shortage} where they are not. */
export interface BitReader {
  /** The next 0 to 24 bits as a number. */
  read(width: number): number;
  /** The next `width` bits without taking them; zeros stand for what is behind the end. */
  peek(width: number): number;
  skip(width: number): void;
}

/** A stream of bits in which a synchronous decoder works: it runs on what has been read, and again from where it began when that was too little. */
export interface Bzip2Bits {
  /** Throws TBUILD_ARCHIVE when the stream ends inside of what `decoder` needs, or when that is longer than any block can be. */
  decode<Result>(decoder: (reader: BitReader) => Result): Promise<Result>;
  alignToByte(): void;
  isAtEnd(): Promise<boolean>;
  /** Reads to the end. */
  onlyZerosFollow(): Promise<boolean>;
}

/** Thrown through a decoder when bits are missing. */
class Shortage extends Error {}

/** A block of 900,000 bytes that cannot be compressed takes 907,000. */
const firstRead = 1024 * 1024;
/** A block whose code lengths waste bits on purpose has no other limit. */
const longestBlock = 8 * 1024 * 1024;

export function bzip2Bits(source: ByteSource): Bzip2Bits {
  let data: Buffer = Buffer.alloc(0);
  /** In bits. */
  let position = 0;
  let isComplete = false;

  /** Makes `size` bytes available, or all there are. */
  async function fill(size: number): Promise<void> {
    const rest = data.subarray(position >>> 3);
    const parts: Buffer[] = [rest];
    let length = rest.length;
    while (length < size && !isComplete) {
      const part = await source.upTo(size - length);
      if (part === undefined) isComplete = true;
      else {
        parts.push(part);
        length += part.length;
      }
    }
    position &= 7;
    data = Buffer.concat(parts, length);
  }

  async function decode<Result>(decoder: (reader: BitReader) => Result): Promise<Result> {
    for (let wanted = firstRead; ; wanted *= 2) {
      const reader = bitReader(data, position);
      try {
        const result = decoder(reader);
        position = reader.position();
        return result;
      } catch (error) {
        if (!(error instanceof Shortage)) throw error;
      }
      if (isComplete) throw archiveError('the bzip2 data is cut off', { hint: 'Get the archive again.' });
      if (wanted > longestBlock) throw archiveError('the bzip2 data is damaged: a block does not end');
      await fill(wanted);
    }
  }

  return {
    decode,
    alignToByte() {
      position = (position + 7) & ~7;
    },
    async isAtEnd() {
      if (position >>> 3 >= data.length) await fill(firstRead);
      return position >>> 3 >= data.length;
    },
    async onlyZerosFollow() {
      while (!(await this.isAtEnd())) {
        if (data.subarray(position >>> 3).some((byte) => byte !== 0)) return false;
        position = data.length * 8;
      }
      return true;
    },
  };
}

function bitReader(data: Buffer, start: number): BitReader & { position(): number } {
  const { length } = data;
  let next = start >>> 3;
  let buffer = 0;
  let available = 0;

  /** At least 24 bits in `buffer`, zeros behind the end. */
  const refill = (): void => {
    while (available <= 24) {
      buffer = (buffer << 8) | (next < length ? (data[next] ?? 0) : 0);
      next++;
      available += 8;
    }
  };
  const peek = (width: number): number => {
    if (available < width) refill();
    return (buffer << (32 - available)) >>> (32 - width);
  };
  const skip = (width: number): void => {
    if (available < width) refill();
    available -= width;
    if (next > length && next * 8 - available > length * 8) throw new Shortage();
  };
  if ((start & 7) !== 0) skip(start & 7);
  return {
    peek: (width) => (width === 0 ? 0 : peek(width)),
    skip,
    read(width) {
      if (width === 0) return 0;
      const value = peek(width);
      skip(width);
      return value;
    },
    position: () => next * 8 - available,
  };
}
