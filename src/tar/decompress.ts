import { TbuildError } from '../errors.ts';
import { archiveError } from './archive-error.ts';
import { byteSource } from './byte-source.ts';
import { blockSize, looksLikeTar } from './header.ts';

export type Compression = 'none' | 'gzip' | 'bzip2' | 'xz' | 'zstd';

/** Recognises a compression by the first bytes (6 suffice) of a file; never by its name. */
export function detectCompression(head: Uint8Array): Compression {
  const starts = (...magic: readonly number[]): boolean => magic.every((byte, index) => head[index] === byte);
  if (starts(0x1f, 0x8b, 0x08)) return 'gzip';
  if (starts(0x42, 0x5a, 0x68)) return 'bzip2';
  if (starts(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00)) return 'xz';
  if (starts(0x28, 0xb5, 0x2f, 0xfd)) return 'zstd';
  // A skippable frame of zstd, which may stand in front.
  return starts(((head[0] ?? 0) & 0x0f) | 0x50, 0x2a, 0x4d, 0x18) ? 'zstd' : 'none';
}

/** A stream of which the beginning has been looked at. */
export interface Recognised {
  readonly compression: Compression;
  /** All its bytes. */
  readonly bytes: AsyncIterable<Uint8Array>;
  /** For when `bytes` is not iterated. */
  close(): Promise<void>;
}

/** Reads as much of a stream as tells how it is compressed. */
export async function recognise(stream: AsyncIterable<Uint8Array>): Promise<Recognised> {
  const { head, all, close } = await peek(stream, compressionHead);
  return { compression: detectCompression(head), bytes: all, close };
}

/**
 * The bytes of a stream after decompression, in process: no program is started, least of all one of an image (CVE-2026-41567). What is not compressed passes through.
 * Members behind each other and zero padding are read as one stream; other bytes behind the end are refused. Memory is bounded whatever the data asks for: 128 MiB of history for zstd, 64 for xz.
 *
 * Throws TBUILD_ARCHIVE for what is damaged or cut off, or is a bomb (over 16 GiB and over 200 times the compressed size); TBUILD_UNSUPPORTED for what asks for more memory, xz filters beside LZMA2,
 * xz data under other checks than CRC32 and CRC64, zstd dictionaries, and randomised bzip2 blocks. Errors of the source pass as they are. Breaking off closes the source.
 */
export async function* decompress(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  yield* decompressed(await recognise(stream));
}

/** As {@link decompress}. */
export async function* decompressed({
  compression,
  bytes,
  close,
}: Recognised): AsyncGenerator<Uint8Array, void, undefined> {
  if (compression === 'none') {
    yield* bytes;
    return;
  }
  let decoder: Decoder;
  try {
    decoder = await loadDecoder(compression);
  } catch (error) {
    await close();
    throw error;
  }
  yield* bounded(bytes, decoder);
}

/**
 * Whether ADD unpacks a file: what is left after decompression begins with a tar header. An archive without entries is none, and neither is compressed text: docker copies both as they are.
 * Throws TBUILD_UNSUPPORTED for what cannot be looked into.
 */
export async function isTarArchive(stream: AsyncIterable<Uint8Array>): Promise<boolean> {
  const source = byteSource(decompress(stream));
  try {
    const block = await source.take(blockSize);
    return block !== undefined && looksLikeTar(block);
  } catch (error) {
    if (error instanceof TbuildError && error.code === 'TBUILD_ARCHIVE') return false;
    throw error;
  } finally {
    await source.close();
  }
}

/**
 * Whether docker takes a stream for an archive rather than for a Dockerfile (`docker build -`): compressed in a way it knows, or beginning with a tar header. `all` is the whole stream again;
 * `close` is for when it is not read.
 */
export async function sniffArchive(
  stream: AsyncIterable<Uint8Array>,
): Promise<{ readonly isArchive: boolean; readonly all: AsyncIterable<Uint8Array>; close(): Promise<void> }> {
  const { head, all, close } = await peek(stream, blockSize);
  return { isArchive: detectCompression(head) !== 'none' || looksLikeTar(head), all, close };
}

/** One kind of compressed data, read to its end. Yields pieces of a bounded size; breaking off closes the stream that it was given. */
type Decoder = (stream: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;

async function loadDecoder(compression: Exclude<Compression, 'none'>): Promise<Decoder> {
  switch (compression) {
    case 'gzip':
      return (await import('./compression/gunzip.ts')).gunzip;
    case 'bzip2':
      return (await import('./compression/bunzip2.ts')).bunzip2;
    case 'xz':
      return (await import('./compression/unxz.ts')).unxz;
    case 'zstd':
      return (await import('./compression/unzstd.ts')).unzstd;
  }
}

/** Of a file's beginning, what {@link detectCompression} needs. */
const compressionHead = 6;

const bombSize = 16 * 1024 ** 3;
const bombRatio = 200;

async function* bounded(
  stream: AsyncIterable<Uint8Array>,
  decoder: Decoder,
): AsyncGenerator<Uint8Array, void, undefined> {
  let compressedSize = 0;
  const counted = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of stream) {
      compressedSize += chunk.byteLength;
      yield chunk;
    }
  };
  let size = 0;
  for await (const chunk of decoder(counted())) {
    size += chunk.byteLength;
    if (size > bombSize && size > bombRatio * compressedSize) {
      throw archiveError(
        `refused to decompress: over ${bombRatio} times its compressed size of ${compressedSize} bytes`,
      );
    }
    yield chunk;
  }
}

interface Peeked {
  readonly head: Buffer;
  readonly all: AsyncIterable<Uint8Array>;
  /** For when `all` is not iterated. */
  close(): Promise<void>;
}

/** The first bytes (fewer only at the end of the stream), and the whole stream again. */
async function peek(stream: AsyncIterable<Uint8Array>, count: number): Promise<Peeked> {
  const iterator = stream[Symbol.asyncIterator]();
  const close = async (): Promise<void> => {
    await iterator.return?.();
  };
  const parts: Uint8Array[] = [];
  for (let size = 0; size < count;) {
    const { value, done } = await iterator.next();
    if (done === true) break;
    parts.push(value);
    size += value.byteLength;
  }
  const head = Buffer.concat(parts, Math.min(count, sizeOf(parts)));
  async function* all(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* parts;
      for (;;) {
        const { value, done } = await iterator.next();
        if (done === true) return;
        yield value;
      }
    } finally {
      await close();
    }
  }
  return { head, all: all(), close };
}

function sizeOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.byteLength, 0);
}
