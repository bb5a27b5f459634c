import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
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
  return 'none';
}

/**
 * The bytes of a stream after decompression, in process: no program is started, least of all one of an image (CVE-2026-41567). What is not compressed passes through.
 * Members behind each other and zero padding are read as one stream; other bytes behind the end are refused.
 *
 * Throws TBUILD_UNSUPPORTED for bzip2, xz and zstd, TBUILD_ARCHIVE for damaged or cut off gzip and for bombs (over 16 GiB and over 200 times the compressed size).
 * Errors of the source pass as they are. Breaking off closes the source.
 */
export async function* decompress(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const { head, all, close } = await peek(stream, 6);
  const compression = detectCompression(head);
  switch (compression) {
    case 'none':
      yield* all;
      return;
    case 'gzip':
      yield* gunzip(all);
      return;
    default:
      await close();
      throw new TbuildError('TBUILD_UNSUPPORTED', `${compression} compression is not supported`, {
        hint: 'Compress the archive with gzip, or not at all.',
      });
  }
}

/**
 * Whether ADD unpacks a file: what is left after decompression begins with a tar header. An archive without entries is none, and neither is compressed text: docker copies both as they are.
 * Throws TBUILD_UNSUPPORTED for compressions that cannot be looked into.
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

const outputChunk = 256 * 1024;
const bombSize = 16 * 1024 ** 3;
const bombRatio = 200;

async function* gunzip(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const unzip = createGunzip({ chunkSize: outputChunk });
  let compressedSize = 0;
  const counted = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of stream) {
      compressedSize += chunk.byteLength;
      yield chunk;
    }
  };
  // Its error reaches the loop below through `unzip`.
  const feeding = pipeline(counted, unzip).catch(() => {});
  let size = 0;
  try {
    for await (const chunk of unzip as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > bombSize && size > bombRatio * compressedSize) {
        throw archiveError(
          `refused to decompress: over ${bombRatio} times its compressed size of ${compressedSize} bytes`,
        );
      }
      yield chunk;
    }
  } catch (error) {
    throw gzipError(error);
  } finally {
    unzip.destroy();
    await feeding;
  }
}

function gzipError(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'Z_BUF_ERROR') {
    return archiveError('the gzip data is cut off', { cause: error, hint: 'Get the archive again.' });
  }
  if (typeof code === 'string' && code.startsWith('Z_')) {
    return archiveError('the gzip data is damaged, or other bytes follow it', { cause: error });
  }
  return error;
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
