import { createGunzip } from 'node:zlib';
import { archiveError } from '../archive-error.ts';
import { through } from './through.ts';

const outputChunk = 256 * 1024;

/** Throws TBUILD_ARCHIVE for what is damaged or cut off. */
export async function* gunzip(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* through(stream, createGunzip({ chunkSize: outputChunk }));
  } catch (error) {
    throw gzipError(error);
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
