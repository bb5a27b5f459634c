import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { TbuildError } from '../../errors.ts';
import type { Helper } from '../../native/helper-types.ts';
import { errnoOf, ioError } from '../../util/io-error.ts';

/** The bytes of a file below a source root. This process reads what it may; the helper what belongs to mapped ids, as files of layers and of a tar context do for an ordinary user. */
export async function* readSource(
  helper: Pick<Helper, 'read'>,
  root: string,
  path: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const file = await openOwn(join(root, path));
  if (file === undefined) yield* readInPieces(helper, root, path);
  else yield* file.createReadStream({ highWaterMark: 256 * 1024 }) as AsyncIterable<Uint8Array>;
}

/** Undefined for what this process may not read. */
async function openOwn(path: string): Promise<FileHandle | undefined> {
  try {
    // O_NONBLOCK: a fifo put there meanwhile must not hang the build.
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (errnoOf(error) === 'EACCES') return undefined;
    throw ioError(error, 'read', path);
  }
}

const pieceSize = 4 * 1024 * 1024;

async function* readInPieces(
  helper: Pick<Helper, 'read'>,
  root: string,
  path: string,
): AsyncGenerator<Buffer, void, undefined> {
  for (let offset = 0; ;) {
    const piece = await helper.read({ root, path, max: pieceSize, cut: true, offset });
    if (piece === undefined) throw new TbuildError('TBUILD_IO', `cannot read: ${join(root, path)}: it is gone`);
    if (piece.length === 0) return;
    yield piece;
    offset += piece.length;
  }
}
