import { archiveError } from './archive-error.ts';

/** Pulls bytes out of a stream in pieces of wanted sizes. Buffers that fit are handed out as views, without copying. */
export interface ByteSource {
  /** Bytes handed out or skipped so far. */
  readonly position: number;
  /** Exactly `size` bytes, or undefined at the end of the stream. Throws TBUILD_ARCHIVE when the stream ends inside. */
  take(size: number): Promise<Buffer | undefined>;
  /** The next 1 to `max` bytes; throws TBUILD_ARCHIVE at the end of the stream. */
  some(max: number): Promise<Buffer>;
  /** The next 1 to `max` bytes, or undefined at the end of the stream. */
  upTo(max: number): Promise<Buffer | undefined>;
  /** Throws TBUILD_ARCHIVE when the stream ends inside. */
  skip(size: number): Promise<void>;
  /** Reads to the end of the stream, so that whoever checks it below (gzip trailer, digest) sees all of it. */
  drain(): Promise<void>;
  /** Tells the stream that no more is wanted. Idempotent. */
  close(): Promise<void>;
}

export function byteSource(stream: AsyncIterable<Uint8Array>): ByteSource {
  const iterator = stream[Symbol.asyncIterator]();
  let current: Buffer = Buffer.alloc(0);
  let position = 0;

  /** Makes `current` non-empty; false at the end. */
  async function fill(): Promise<boolean> {
    while (current.length === 0) {
      const { value, done } = await iterator.next();
      if (done === true) return false;
      current = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    }
    return true;
  }

  function shift(max: number): Buffer {
    const part = current.subarray(0, max);
    current = current.subarray(part.length);
    position += part.length;
    return part;
  }

  async function some(max: number): Promise<Buffer> {
    if (current.length === 0 && !(await fill())) throw truncated(position);
    return shift(max);
  }

  return {
    get position() {
      return position;
    },
    some,
    async upTo(max) {
      return current.length > 0 || (await fill()) ? shift(max) : undefined;
    },
    async take(size) {
      if (current.length === 0 && !(await fill())) return undefined;
      if (current.length >= size) return shift(size);
      const parts: Buffer[] = [];
      for (let missing = size; missing > 0;) {
        const part = await some(missing);
        parts.push(part);
        missing -= part.length;
      }
      return Buffer.concat(parts, size);
    },
    async skip(size) {
      for (let missing = size; missing > 0;) missing -= (await some(missing)).length;
    },
    async drain() {
      while (current.length > 0 || (await fill())) shift(current.length);
    },
    async close() {
      await iterator.return?.();
    },
  };
}

function truncated(position: number): Error {
  return archiveError(`the archive is cut off: it ends at byte ${position}, in the middle of an entry`, {
    hint: 'Get the archive again and compare its size or checksum.',
  });
}
