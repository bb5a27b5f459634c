import { mkdir, open, readFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { TbuildError } from '../../errors.ts';
import { archiveError } from '../../tar/archive-error.ts';
import { decompress, detectCompression } from '../../tar/decompress.ts';
import { showPath } from '../../tar/entry-path.ts';
import { fileSource } from '../../tar/file-source.ts';
import { readTar } from '../../tar/read-tar.ts';
import type { TarEntry } from '../../tar/read-tar.ts';
import { openCleanup } from '../../util/cleanup.ts';
import type { Cleanup } from '../../util/cleanup.ts';
import { ioError } from '../../util/io-error.ts';
import { untilAborted } from '../../util/until-aborted.ts';
import type { LayerAccess } from '../layer-blob.ts';
import type { LayerBytes } from '../layer-in.ts';
import { openMembers } from './members.ts';
import type { Members } from './members.ts';

/** A path, or the bytes themselves; plain or compressed. */
export type ArchiveOrigin = string | AsyncIterable<Uint8Array>;

/** An archive of images with its files at hand, in whatever order they stand in it. */
export interface Archive extends AsyncDisposable {
  has(path: string): boolean;
  /** Bytes. */
  size(path: string): number;
  /** Throws TBUILD_ARCHIVE when it is missing, TBUILD_MANIFEST when it is over the limit. */
  read(path: string, limit: number): Promise<Buffer>;
  bytes(path: string): LayerBytes;
}

/**
 * Opens an archive for its files to be asked for. Of a plain file only the headers are read now; what comes as a stream or compressed is spooled into a job of the store, where layers are taken from without another copy.
 * Throws TBUILD_ARCHIVE and TBUILD_IO.
 */
export async function openArchive(access: LayerAccess, origin: ArchiveOrigin): Promise<Archive> {
  const cleanup = openCleanup();
  try {
    if (typeof origin !== 'string') return archiveOf(await spool(access, origin, cleanup), cleanup);
    const file = await openFile(origin);
    cleanup.defer(() => file.close());
    const isPlain = await isPlainFile(file);
    const members = isPlain ? await listFile(file) : await spool(access, streamOf(file), cleanup);
    return archiveOf(members, cleanup);
  } catch (error) {
    await cleanup[Symbol.asyncDispose]();
    throw ioError(error, 'read the archive', typeof origin === 'string' ? origin : 'standard input');
  }
}

interface ArchiveFile {
  readonly size: number;
  readonly bytes: LayerBytes;
  read(): Promise<Buffer>;
}

function archiveOf(members: Members<ArchiveFile>, cleanup: Cleanup): Archive {
  const find = (path: string): ArchiveFile => {
    const found = members.find(path);
    if (found === undefined) throw archiveError(`the archive has no ${showPath(path)}, though it says so`);
    return found;
  };
  return {
    has: (path) => members.find(path) !== undefined,
    size: (path) => find(path).size,
    async read(path, limit) {
      const file = find(path);
      if (file.size > limit) {
        throw new TbuildError(
          'TBUILD_MANIFEST',
          `${showPath(path)} in the archive is over the limit of ${limit} bytes`,
        );
      }
      return file.read();
    },
    bytes: (path) => find(path).bytes,
    [Symbol.asyncDispose]: () => cleanup[Symbol.asyncDispose](),
  };
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path);
  } catch (error) {
    throw ioError(error, 'read the archive', path);
  }
}

async function isPlainFile(file: FileHandle): Promise<boolean> {
  if (!(await file.stat()).isFile()) return false;
  const { bytesRead, buffer } = await file.read(Buffer.alloc(512), 0, 512, 0);
  return detectCompression(buffer.subarray(0, bytesRead)) === 'none';
}

function streamOf(file: FileHandle): AsyncIterable<Uint8Array> {
  return file.createReadStream({ autoClose: false, highWaterMark: chunkSize }) as AsyncIterable<Uint8Array>;
}

const chunkSize = 1024 * 1024;

async function listFile(file: FileHandle): Promise<Members<ArchiveFile>> {
  const { size: length } = await file.stat();
  const members = openMembers<ArchiveFile>();
  for await (const entry of readTar(fileSource(file, length))) {
    const { offset, size } = entry;
    await members.add(entry, () => ({
      size,
      bytes: { kind: 'stream', open: (signal) => readRange(file, { offset, size, signal }) },
      read: async () => {
        const chunks: Buffer[] = [];
        for await (const chunk of readRange(file, { offset, size })) chunks.push(chunk);
        return Buffer.concat(chunks);
      },
    }));
  }
  return members;
}

async function* readRange(
  file: FileHandle,
  { offset, size, signal }: { readonly offset: number; readonly size: number; readonly signal?: AbortSignal },
): AsyncGenerator<Buffer, void, undefined> {
  for (let done = 0; done < size;) {
    signal?.throwIfAborted();
    const length = Math.min(chunkSize, size - done);
    const read = file.read(Buffer.allocUnsafe(length), 0, length, offset + done);
    const { bytesRead, buffer } = await read.catch((error: unknown) => {
      throw ioError(error, 'read', 'the archive');
    });
    if (bytesRead === 0) throw archiveError('the archive has become shorter while it was read');
    done += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

async function spool(
  { store, signal = new AbortController().signal }: LayerAccess,
  stream: AsyncIterable<Uint8Array>,
  cleanup: Cleanup,
): Promise<Members<ArchiveFile>> {
  const job = cleanup.use(await store.createJob());
  const directory = join(job.path, 'members');
  await mkdir(directory);
  const members = openMembers<ArchiveFile>();
  let count = 0;
  for await (const entry of readTar(decompress(untilAborted(stream, signal)))) {
    await members.add(entry, async () => {
      const path = join(directory, String(count++));
      await writeOut(entry, path);
      return { size: entry.size, bytes: { kind: 'file', path }, read: () => readFile(path) };
    });
  }
  return members;
}

async function writeOut(entry: TarEntry, path: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    for await (const chunk of entry.content) {
      for (let start = 0; start < chunk.length;) start += (await file.write(chunk, start)).bytesWritten;
    }
  } catch (error) {
    throw ioError(error, 'write the archive into the store', path);
  } finally {
    await file.close();
  }
}
