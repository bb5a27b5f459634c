import { linkSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { TbuildError } from '../errors.ts';
import { createSha256 } from '../native/sha256.ts';
import { digestFromHex } from '../oci/digest.ts';
import { errnoOf, ioError } from '../util/io-error.ts';
import { removeFile } from '../util/remove-file.ts';
import { adoptBlob } from './blobs.ts';
import type { StoreContext } from './context.ts';
import { openPartial, worthKeeping } from './partial-blobs.ts';
import type { BlobStart, BlobWriter } from './types.ts';

/** Where the bytes go until they are a blob. */
interface Place {
  readonly path: string;
  readonly flags: 'wx' | 'r+' | 'r';
  /** Bytes that are there. */
  readonly size: number;
  /** Has the file adopted as the blob. */
  adopt(adoptFile: (path: string) => Promise<void>): Promise<void>;
  /** After adoption, or without one. */
  leave(left: 'adopted' | 'unfinished' | 'worthless'): void;
}

export async function openBlobWriter(context: StoreContext, start: BlobStart = { kind: 'new' }): Promise<BlobWriter> {
  const place = await placeOf(context, start);
  try {
    return writerAt(context, place, await openFile(place));
  } catch (error) {
    place.leave('unfinished');
    throw error;
  }
}

async function placeOf(context: StoreContext, start: BlobStart): Promise<Place> {
  if (start.kind === 'file') return takenFile(context, start);
  const partial = start.kind === 'resume' && start.size > worthKeeping ? await openPartial(context, start) : undefined;
  if (partial === undefined) return newFile(context.session.newPath('blob'));
  const { path, size } = partial;
  return {
    path,
    flags: 'r+',
    size,
    adopt: (adoptFile) => adoptFile(path),
    leave(left) {
      if (left === 'worthless') removeFile(path);
      partial.unlock();
    },
  };
}

function newFile(path: string): Place {
  return {
    path,
    flags: 'wx',
    size: 0,
    adopt: (adoptFile) => adoptFile(path),
    leave(left) {
      if (left !== 'adopted') removeFile(path);
    },
  };
}

/** Stays where it is as well: whoever put it there may need it again. */
function takenFile({ session }: StoreContext, { path, size }: { path: string; size: number }): Place {
  return {
    path,
    flags: 'r',
    size,
    async adopt(adoptFile) {
      const name = session.newPath('blob');
      try {
        linkSync(path, name);
      } catch (error) {
        throw ioError(error, 'take', path);
      }
      await adoptFile(name);
    },
    leave() {},
  };
}

async function openFile({ path, flags }: Place): Promise<FileHandle> {
  try {
    return await open(path, flags, 0o600);
  } catch (error) {
    throw ioError(error, flags === 'wx' ? 'create' : 'open', path);
  }
}

const chunkSize = 1024 * 1024;

function writerAt(context: StoreContext, place: Place, handle: FileHandle): BlobWriter {
  const { path } = place;
  const hash = createSha256();
  let file: FileHandle | undefined = handle;
  let size = 0;
  let left: Parameters<Place['leave']>[0] = 'unfinished';
  let isDisposed = false;
  const opened = (): FileHandle => {
    if (file === undefined) throw new TypeError('the blob writer was closed');
    return file;
  };
  const close = async (): Promise<void> => {
    const closing = file;
    file = undefined;
    await closing?.close();
  };
  const checkAllRead = (): void => {
    if (size < place.size) throw new TypeError('what is there of the blob was not read to its end');
  };
  return {
    keptSize: place.size,
    async *kept() {
      while (size < place.size) {
        const buffer = Buffer.allocUnsafe(Math.min(chunkSize, place.size - size));
        const chunk = await readAt(opened(), buffer, { position: size, path });
        hash.update(chunk);
        size += chunk.length;
        yield chunk;
      }
    },
    async write(chunk) {
      checkAllRead();
      try {
        await writeAt(opened(), chunk, size);
      } catch (error) {
        if (isDiskFull(error)) left = 'worthless';
        throw ioError(error, 'write the blob', path);
      }
      hash.update(chunk);
      size += chunk.length;
    },
    discard() {
      left = 'worthless';
    },
    async commit(expected) {
      opened();
      checkAllRead();
      await close();
      const digest = digestFromHex(hash.hex());
      if (expected !== undefined && (expected.digest !== digest || (expected.size ?? size) !== size)) {
        left = 'worthless';
        throw mismatch(expected, { digest, size });
      }
      await place.adopt((temporary) => adoptBlob(context, temporary, digest));
      left = 'adopted';
      return { digest, size };
    },
    async [Symbol.asyncDispose]() {
      if (isDisposed) return;
      isDisposed = true;
      try {
        await close();
      } finally {
        place.leave(left === 'unfinished' && size < worthKeeping ? 'worthless' : left);
      }
    },
  };
}

async function readAt(
  file: FileHandle,
  buffer: Buffer,
  { position, path }: { readonly position: number; readonly path: string },
): Promise<Buffer> {
  const { bytesRead } = await file.read(buffer, 0, buffer.length, position).catch((error: unknown) => {
    throw ioError(error, 'read', path);
  });
  if (bytesRead === 0) throw new TbuildError('TBUILD_IO', `${path} has become shorter while it was read`);
  return buffer.subarray(0, bytesRead);
}

async function writeAt(file: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  for (let start = 0; start < chunk.length;) {
    const { bytesWritten } = await file.write(chunk, start, chunk.length - start, position + start);
    start += bytesWritten;
  }
}

/** What could be had again must not be what keeps a disk full. */
function isDiskFull(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno === 'ENOSPC' || errno === 'EDQUOT';
}

interface Identity {
  readonly digest: string;
  readonly size?: number | undefined;
}

function mismatch(expected: Identity, actual: Identity): TbuildError {
  const text = ({ digest, size }: Identity): string => (size === undefined ? digest : `${digest} (${size} bytes)`);
  return new TbuildError('TBUILD_DIGEST_MISMATCH', `expected ${text(expected)}, got ${text(actual)}`, {
    hint: 'the transfer was cut or altered; try again',
    details: { expected: expected.digest, actual: actual.digest },
  });
}
