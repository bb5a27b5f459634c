import { ReadableStream } from 'node:stream/web';
import { TbuildError } from '../../errors.ts';
import { archiveError } from '../archive-error.ts';

/**
 * xz, with a history of 64 MiB at most, as `xz -9` writes. Two at the same time take turns: the decoder's memory is shared.
 * Throws TBUILD_ARCHIVE and TBUILD_UNSUPPORTED.
 */
export async function* unxz(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const { XzReadableStream } = await loadPackage();
  let sourceError: { readonly error: unknown } | undefined;
  async function* watched(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* stream;
    } catch (error) {
      sourceError = { error };
      throw error;
    }
  }
  const source = watched();
  const reader = new XzReadableStream(ReadableStream.from(source)).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      if (value.length > 0) yield value;
    }
  } catch (error) {
    throw sourceError === undefined ? xzError(error) : sourceError.error;
  } finally {
    // What failed has been reported, and closing it reports it again.
    await reader.cancel().catch(() => {});
    // After an error of its own the decoder leaves its source as it is.
    await source.return();
  }
}

interface Package {
  readonly XzReadableStream: new (compressed: ReadableStream<Uint8Array>) => ReadableStream<Uint8Array>;
}

/** The bundle sees its exports by name, Node sees them as one. */
async function loadPackage(): Promise<Package> {
  const loaded = (await import('xz-decompress')) as unknown as Package & { readonly default?: Package };
  return loaded.default ?? loaded;
}

/** Results of XZ Embedded, by number (linux/xz.h). */
const results: Readonly<Record<number, 'memory' | 'format' | 'options' | 'data' | 'cut off'>> = {
  3: 'memory',
  4: 'memory',
  5: 'format',
  6: 'options',
  7: 'data',
  8: 'cut off',
};

function xzError(cause: unknown): unknown {
  const code = cause instanceof Error ? /error code (\d+)$/.exec(cause.message)?.[1] : undefined;
  switch (code === undefined ? undefined : results[Number(code)]) {
    case 'memory':
      return new TbuildError('TBUILD_UNSUPPORTED', 'the xz data needs over 64 MiB of memory to be unpacked', {
        cause,
        hint: 'Compress the archive again, with a dictionary of 64 MiB (xz -9) at most.',
      });
    case 'options':
      return new TbuildError('TBUILD_UNSUPPORTED', 'the xz data has a filter or a check that is not supported', {
        cause,
        hint: 'Compress the archive with xz as it is by default: LZMA2 alone, and CRC64 or CRC32.',
      });
    case 'format':
    case 'data':
      return archiveError('the xz data is damaged, or other bytes follow it', {
        cause,
        hint: 'Get the archive again.',
      });
    case 'cut off':
      return archiveError('the xz data is cut off', { cause, hint: 'Get the archive again.' });
    case undefined:
      return cause;
  }
}
