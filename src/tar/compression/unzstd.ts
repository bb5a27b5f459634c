import type { Transform } from 'node:stream';
import { runningChecksum } from '../../util/checksum.ts';
import { archiveError } from '../archive-error.ts';
import { byteSource } from '../byte-source.ts';
import { through } from './through.ts';
import { zstdFrames } from './zstd-frame.ts';

/** Throws TBUILD_ARCHIVE and TBUILD_UNSUPPORTED, as {@link zstdFrames}, and for content that is not what its checksum says. */
export async function* unzstd(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const source = byteSource(stream);
  const decode = createZstdDecompress === undefined ? decodeInScript : decodeInNode;
  try {
    for await (const frame of zstdFrames(source)) {
      const content = await runningChecksum();
      for await (const chunk of decode(frame.pieces)) {
        content.update(chunk);
        yield chunk;
      }
      const expected = await frame.checksum();
      if (expected !== undefined && Number(content.digest() & 0xffff_ffffn) !== expected) throw damaged(undefined);
    }
  } finally {
    await source.close();
  }
}

const outputChunk = 256 * 1024;
const windowLog = 27;

interface ZstdModule {
  readonly createZstdDecompress?: (options: {
    readonly chunkSize: number;
    readonly params: Readonly<Record<number, number>>;
  }) => Transform;
  readonly constants: { readonly ZSTD_d_windowLogMax?: number };
}

// Node has it from 22.15 on: delete the other way when that is the oldest supported.
const { createZstdDecompress, constants } = process.getBuiltinModule('node:zlib') as unknown as ZstdModule;

async function* decodeInNode(pieces: AsyncIterable<Buffer>): AsyncGenerator<Uint8Array, void, undefined> {
  if (createZstdDecompress === undefined) throw new TypeError('this Node has no zstd');
  const params = { [constants.ZSTD_d_windowLogMax ?? 0]: windowLog };
  try {
    yield* through(pieces, createZstdDecompress({ chunkSize: outputChunk, params }));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    throw typeof code === 'string' && /^(?:ZSTD_|Z_)/.test(code) ? damaged(error) : error;
  }
}

/** Piece by piece, so that what has come out and was not taken is one block at most. */
async function* decodeInScript(pieces: AsyncIterable<Buffer>): AsyncGenerator<Uint8Array, void, undefined> {
  const { Decompress } = await import('fzstd');
  let output: Uint8Array[] = [];
  const decoder = new Decompress((chunk) => output.push(chunk));
  const decodePiece = (piece: Uint8Array, isLast: boolean): Uint8Array[] => {
    output = [];
    try {
      decoder.push(piece, isLast);
    } catch (error) {
      throw damaged(error);
    }
    return output;
  };
  for await (const piece of pieces) yield* decodePiece(piece, false);
  yield* decodePiece(new Uint8Array(0), true);
}

function damaged(cause: unknown): Error {
  return archiveError('the zstd data is damaged', { cause, hint: 'Get the archive again.' });
}
