import { createReadStream, renameSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { TbuildError } from '../errors.ts';
import { createSha256 } from '../native/sha256.ts';
import { digestFromHex, digestOf } from '../oci/digest.ts';
import type { Digest } from '../oci/digest.ts';
import { writeNewFile } from '../util/atomic-write.ts';
import { errnoOf, ioError } from '../util/io-error.ts';
import type { StoreContext } from './context.ts';
import { syncState } from './sync-mark.ts';
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
  await adoptBlob(context, temporary, digest);
  return digest;
}

/** Makes a whole file the blob, by renaming it. Also in place of one that is there: that one may be torn. */
export async function adoptBlob(
  { paths, gc, leases, unsynced }: StoreContext,
  temporary: string,
  digest: Digest,
): Promise<void> {
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

async function digestOfFile(path: string): Promise<Digest | undefined> {
  const hash = createSha256();
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw ioError(error, 'read the blob', path);
  }
  return digestFromHex(hash.hex());
}

function corrupt(digest: Digest, what: string, cause?: unknown): TbuildError {
  return new TbuildError('TBUILD_STORE_CORRUPT', `the blob ${digest} ${what}`, {
    cause,
    hint: 'pull or build the image again',
    details: { digest },
  });
}
