import type { FileHandle } from 'node:fs/promises';
import { archiveError } from './archive-error.ts';
import type { ByteSource } from './byte-source.ts';

/** What is read at once: a header, and what lies close behind it. */
const windowSize = 16 * 1024;
const longestPart = 256 * 1024;

/** The bytes of a file, in which skipping reads nothing: to list a large archive only its headers are read. The file stays open. */
export function fileSource(file: FileHandle, size: number): ByteSource {
  let position = 0;
  let window: Buffer = Buffer.alloc(0);
  let windowStart = 0;

  async function read(count: number): Promise<Buffer> {
    const inWindow = position - windowStart;
    if (inWindow < 0 || inWindow + count > window.length) {
      windowStart = position;
      window = await readFully(file, position, Math.min(Math.max(count, windowSize), size - position));
      if (window.length < count) throw truncated(position + window.length);
    }
    const part = window.subarray(position - windowStart, position - windowStart + count);
    position += count;
    return part;
  }

  function requireBytes(count: number): void {
    if (position + count <= size) return;
    position = size;
    throw truncated(size);
  }

  const upTo = async (max: number): Promise<Buffer | undefined> =>
    position === size ? undefined : read(Math.min(max, longestPart, size - position));

  return {
    get position() {
      return position;
    },
    async take(count) {
      if (position === size) return undefined;
      requireBytes(count);
      return read(count);
    },
    upTo,
    async some(max) {
      const part = await upTo(max);
      if (part === undefined) throw truncated(size);
      return part;
    },
    async skip(count) {
      requireBytes(count);
      position += count;
    },
    async drain() {
      position = size;
    },
    async close() {},
  };
}

/** Fewer only where the file has become shorter. */
async function readFully(file: FileHandle, start: number, count: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(count);
  for (let filled = 0; filled < count;) {
    const { bytesRead } = await file.read(buffer, filled, count - filled, start + filled);
    if (bytesRead === 0) return buffer.subarray(0, filled);
    filled += bytesRead;
  }
  return buffer;
}

function truncated(position: number): Error {
  return archiveError(`the archive is cut off: it ends at byte ${position}, in the middle of an entry`, {
    hint: 'Get the archive again and compare its size or checksum.',
  });
}
