import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import { constants, crc32, deflateRaw } from 'node:zlib';

const deflate = promisify(deflateRaw);

export interface GzipOptions {
  /** Blocks that are compressed at the same time. The bytes do not depend on it. @default one for each processor, and one */
  readonly parallelism?: number | undefined;
}

/**
 * One gzip member (RFC 1952) of all the bytes, compressed in blocks beside each other, as pigz does it: each block ends on a byte (a sync flush) and knows the 32 KiB before it. A block that does not shrink
 * is stored. The same bytes, however they are cut, always give the same gzip.
 */
export async function* gzipInParallel(
  chunks: AsyncIterable<Uint8Array>,
  { parallelism = availableParallelism() + 1 }: GzipOptions = {},
): AsyncGenerator<Buffer, void, undefined> {
  yield header;
  const queue: Promise<Buffer>[] = [];
  let before: Buffer | undefined;
  let checksum = 0;
  let size = 0;
  try {
    for await (const block of cut(chunks)) {
      checksum = crc32(block, checksum);
      size = (size + block.length) % 2 ** 32;
      const compressing = compressBlock(block, before);
      // It is heard when its turn comes.
      compressing.catch(() => undefined);
      queue.push(compressing);
      before = block.subarray(-windowSize);
      if (queue.length >= parallelism) yield await next(queue);
    }
    while (queue.length > 0) yield await next(queue);
  } finally {
    await Promise.allSettled(queue);
  }
  const trailer = Buffer.from([...lastBlock, 0, 0, 0, 0, 0, 0, 0, 0]);
  trailer.writeUInt32LE(checksum, lastBlock.length);
  trailer.writeUInt32LE(size, lastBlock.length + 4);
  yield trailer;
}

// No name, no time, level unsaid, from Unix.
const header = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]);
/** An empty block that is the last. */
const lastBlock = [0x03, 0x00] as const;
const blockSize = 1 << 20;
const windowSize = 32 * 1024;
/** docker's default. */
const level = 6;

async function next(queue: Promise<Buffer>[]): Promise<Buffer> {
  const [first] = queue;
  if (first === undefined) throw new TypeError('nothing is being compressed');
  const block = await first;
  void queue.shift();
  return block;
}

async function* cut(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, undefined> {
  // Each block is its own memory: it is read by other threads until it is compressed.
  let block = Buffer.allocUnsafeSlow(blockSize);
  let filled = 0;
  for await (const chunk of chunks) {
    for (let start = 0; start < chunk.length;) {
      const part = chunk.subarray(start, start + blockSize - filled);
      block.set(part, filled);
      filled += part.length;
      start += part.length;
      if (filled < blockSize) continue;
      yield block;
      block = Buffer.allocUnsafeSlow(blockSize);
      filled = 0;
    }
  }
  if (filled > 0) yield block.subarray(0, filled);
}

async function compressBlock(block: Buffer, dictionary: Buffer | undefined): Promise<Buffer> {
  if (await isIncompressible(block)) return store(block);
  const compressed = await deflate(block, {
    level,
    finishFlush: constants.Z_SYNC_FLUSH,
    chunkSize: 256 * 1024,
    ...(dictionary === undefined ? {} : { dictionary }),
  });
  return compressed.length < block.length ? compressed : store(block);
}

const sampleSize = 8 * 1024;

/** Judged by three samples: most of what does not shrink has been compressed already, all of it. */
async function isIncompressible(block: Buffer): Promise<boolean> {
  if (block.length < 8 * sampleSize) return false;
  const last = block.length - sampleSize;
  const samples = Buffer.concat([0, last >>> 1, last].map((start) => block.subarray(start, start + sampleSize)));
  const compressed = await deflate(samples, { level: 1 });
  return compressed.length > samples.length * 0.98;
}

const longestStored = 0xffff;

/** Blocks without compression (RFC 1951, 3.2.4), none of them the last. */
function store(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let start = 0; start < bytes.length; start += longestStored) {
    const part = bytes.subarray(start, start + longestStored);
    const head = Buffer.alloc(5);
    head.writeUInt16LE(part.length, 1);
    head.writeUInt16LE(~part.length & 0xffff, 3);
    parts.push(head, part);
  }
  return Buffer.concat(parts);
}
