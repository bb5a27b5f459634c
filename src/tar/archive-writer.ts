import type { Header, Pack } from 'tar-stream';
import { archiveError } from './archive-error.ts';

/** One entry of an archive that tbuild hands to others. */
export type ArchiveEntry = {
  /** Relative, `/`-separated. */
  readonly path: string;
  readonly mode: number;
  /** Seconds. */
  readonly mtime: number;
} & (
  | { readonly type: 'directory' }
  | { readonly type: 'symlink'; readonly linkname: string }
  | {
      readonly type: 'file';
      /** Exactly what `content` yields, in bytes. */
      readonly size: number;
      readonly content: Uint8Array | AsyncIterable<Uint8Array>;
    }
);

/**
 * Packs entries as a tar stream, owner 0:0, with an end mark. Content is pulled as the stream is read, one entry after the other; nothing is held back but the chunk in hand. Errors of the
 * entries or their content end the stream; breaking off closes them. Throws TBUILD_ARCHIVE when a content is not as long as its entry says.
 */
export async function* writeArchive(
  entries: Iterable<ArchiveEntry> | AsyncIterable<ArchiveEntry>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { pack: createPack } = await import('tar-stream');
  const pack = createPack();
  let failure: { readonly error: unknown } | undefined;
  const packing = packAll(pack, entries).catch((error: unknown) => {
    failure ??= { error };
    pack.destroy();
  });
  try {
    yield* pack as AsyncIterable<Buffer>;
  } catch (error) {
    failure ??= { error };
  } finally {
    pack.destroy();
    await packing;
  }
  if (failure !== undefined) throw failure.error;
}

async function packAll(pack: Pack, entries: Iterable<ArchiveEntry> | AsyncIterable<ArchiveEntry>): Promise<void> {
  for await (const entry of entries) {
    if (pack.destroyed) return;
    await packEntry(pack, entry);
  }
  pack.finalize();
}

async function packEntry(pack: Pack, entry: ArchiveEntry): Promise<void> {
  const header: Partial<Header> & { readonly name: string } = {
    name: entry.type === 'directory' && !entry.path.endsWith('/') ? `${entry.path}/` : entry.path,
    type: entry.type,
    mode: entry.mode,
    mtime: new Date(Math.min(Math.max(entry.mtime, 0), maxHeaderTime) * 1000),
    size: entry.type === 'file' ? entry.size : 0,
    ...(entry.type === 'symlink' ? { linkname: entry.linkname } : {}),
    // tar-stream cuts times to 32 bits.
    ...(entry.mtime < 0 || entry.mtime > maxHeaderTime ? { pax: { mtime: String(entry.mtime) } } : {}),
  };
  const { promise, resolve, reject } = withResolvers();
  // It may reject while the content is still being written, and is awaited only then.
  promise.catch(() => undefined);
  const sink = pack.entry(header, (error) => (error ? reject(error) : resolve()));
  if (entry.type === 'file') await writeContent(pack, sink, entry).catch(reject);
  await promise;
}

async function writeContent(
  pack: Pack,
  sink: Sink,
  entry: Extract<ArchiveEntry, { readonly type: 'file' }>,
): Promise<void> {
  let written = 0;
  for await (const chunk of entry.content instanceof Uint8Array ? [entry.content] : entry.content) {
    if (pack.destroyed) return;
    written += chunk.byteLength;
    if (written > entry.size) break;
    if (chunk.byteLength > 0 && !sink.write(chunk)) await drained(sink);
  }
  if (written !== entry.size) {
    throw archiveError(`${entry.path}: its content is not the ${entry.size} bytes that were announced`);
  }
  sink.end(undefined);
}

type Sink = ReturnType<Pack['entry']>;

/** Also when the archive is given up: then nothing drains any more. */
function drained(sink: Sink): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      sink.off('drain', done);
      sink.off('close', done);
      resolve();
    };
    sink.on('drain', done);
    sink.on('close', done);
  });
}

const maxHeaderTime = 2 ** 31 - 1;

function withResolvers(): { promise: Promise<void>; resolve: () => void; reject: (error: unknown) => void } {
  let resolve: () => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<void>((onDone, onError) => {
    resolve = onDone;
    reject = onError;
  });
  return { promise, resolve, reject };
}
