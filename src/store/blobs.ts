import { createReadStream, renameSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { TbuildError } from '../errors.ts';
import type { Sha256 } from '../native/addon.ts';
import { createSha256 } from '../native/sha256.ts';
import { digestFromHex, digestOf } from '../oci/digest.ts';
import type { Digest } from '../oci/digest.ts';
import { writeNewFile } from '../util/atomic-write.ts';
import { errnoOf, ioError } from '../util/io-error.ts';
import type { StoreContext } from './context.ts';
import { syncState } from './sync-mark.ts';
import type { BlobWriter } from './types.ts';
import { removeFile } from '../util/remove-file.ts';

/** Leases the blob. One that no sync has followed and that this handle did not write is read and verified first; a wrong one is removed. */
export async function hasBlob(context: StoreContext, digest: Digest): Promise<boolean> {
  const { paths, gc, leases, unsynced } = context;
  const path = paths.blob(digest);
  const state = await gc.run('shared', () => {
    leases.add('blob', [digest]);
    return syncState(path);
  });
  if (state !== 'unsynced' || unsynced.has(path)) return state !== 'absent';
  if ((await digestOfFile(path)) === digest) {
    unsynced.add(path);
    return true;
  }
  removeFile(path);
  return false;
}

/** Verified. Throws TBUILD_STORE_CORRUPT when it is absent or not what its name says; the wrong file is removed, so that it can be fetched again. */
export async function readBlob({ paths }: StoreContext, digest: Digest): Promise<Buffer> {
  const path = paths.blob(digest);
  let content: Buffer;
  try {
    content = await readFile(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw ioError(error, 'read the blob', path);
    throw corrupt(digest, 'is not in the store', error);
  }
  if (digestOf(content) === digest) return content;
  removeFile(path);
  throw corrupt(digest, 'does not match its digest and was removed');
}

export async function putBlob(context: StoreContext, content: Buffer): Promise<Digest> {
  const digest = digestOf(content);
  const temporary = context.session.newPath('blob');
  writeNewFile(temporary, [content]);
  await adopt(context, temporary, digest);
  return digest;
}

export async function openBlobWriter(context: StoreContext): Promise<BlobWriter> {
  const temporary = context.session.newPath('blob');
  let file: FileHandle | undefined;
  try {
    file = await open(temporary, 'wx', 0o600);
  } catch (error) {
    throw ioError(error, 'create', temporary);
  }
  const hash = createSha256();
  let size = 0;
  const close = async (): Promise<void> => {
    const closing = file;
    file = undefined;
    await closing?.close();
  };
  return {
    async write(chunk) {
      if (file === undefined) throw new TypeError('the blob writer was closed');
      await writeChunk(file, chunk, temporary);
      hash.update(chunk);
      size += chunk.length;
    },
    async commit(expected) {
      if (file === undefined) throw new TypeError('the blob writer was closed');
      await close();
      const digest = finish(hash);
      if (expected !== undefined && (expected.digest !== digest || (expected.size ?? size) !== size)) {
        throw mismatch(expected, { digest, size });
      }
      await adopt(context, temporary, digest);
      return { digest, size };
    },
    async [Symbol.asyncDispose]() {
      await close();
      removeFile(temporary);
    },
  };
}

/** Also in place of one that is there: that one may be torn. */
async function adopt({ paths, gc, leases, unsynced }: StoreContext, temporary: string, digest: Digest): Promise<void> {
  const path = paths.blob(digest);
  await gc.run('shared', () => {
    leases.add('blob', [digest]);
    try {
      if (syncState(path) === 'synced') return removeFile(temporary);
      renameSync(temporary, path);
    } catch (error) {
      throw ioError(error, 'store the blob', path);
    }
    unsynced.add(path);
  });
}

async function writeChunk(file: FileHandle, chunk: Uint8Array, path: string): Promise<void> {
  try {
    for (let start = 0; start < chunk.length;) {
      const { bytesWritten } = await file.write(chunk, start);
      start += bytesWritten;
    }
  } catch (error) {
    throw ioError(error, 'write the blob', path);
  }
}

async function digestOfFile(path: string): Promise<Digest | undefined> {
  const hash = createSha256();
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw ioError(error, 'read the blob', path);
  }
  return finish(hash);
}

function finish(hash: Sha256): Digest {
  return digestFromHex(hash.hex());
}

interface Identity {
  readonly digest: Digest;
  readonly size?: number | undefined;
}

function mismatch(expected: Identity, actual: Identity): TbuildError {
  const text = ({ digest, size }: Identity): string => (size === undefined ? digest : `${digest} (${size} bytes)`);
  return new TbuildError('TBUILD_DIGEST_MISMATCH', `expected ${text(expected)}, got ${text(actual)}`, {
    hint: 'the transfer was cut or altered; try again',
    details: { expected: expected.digest, actual: actual.digest },
  });
}

function corrupt(digest: Digest, what: string, cause?: unknown): TbuildError {
  return new TbuildError('TBUILD_STORE_CORRUPT', `the blob ${digest} ${what}`, {
    cause,
    hint: 'pull or build the image again',
    details: { digest },
  });
}
