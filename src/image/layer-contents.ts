import { createWriteStream } from 'node:fs';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { TbuildError } from '../errors.ts';
import type { LayerId } from '../store/types.ts';
import { byteSource } from '../tar/byte-source.ts';
import type { ByteSource } from '../tar/byte-source.ts';
import { blockSize, decodeHeader } from '../tar/header.ts';
import { paxInteger, parsePax } from '../tar/pax.ts';
import type { LayerAccess } from './layer-blob.ts';
import { readChunks } from './read-chunks.ts';
import { padding } from './tar-header.ts';

/** The contents of a layer's files, out of its canonical tar and in its order: one pass however many are asked for. */
export interface LayerContents extends AsyncDisposable {
  /** The content of a file. Calls must come in the order of the listing, but for files given as `late`. */
  read(path: string): AsyncIterable<Uint8Array>;
}

/**
 * @param late files whose content is asked for later than their place in the listing: they are put aside in `spool`, a directory
 */
export function openLayerContents(
  access: LayerAccess,
  layer: LayerId,
  aside: { readonly late: ReadonlySet<string>; readonly spool: string },
): LayerContents {
  const diff = access.store.diffDirectory(layer);
  const listing = join(dirname(diff), 'listing');
  const source = byteSource(access.helper.tar({ diff, listing, signal: access.signal }));
  const files = access.store.listing(layer).entries()[Symbol.iterator]();
  const spooled = new Map<string, string>();

  /** Goes on to the content of the next file that has one. */
  async function next(): Promise<{ readonly path: string; readonly size: number }> {
    for (;;) {
      const { value: file, done } = files.next();
      if (done === true) throw new TypeError('files of a layer were not asked for in the order of its listing');
      if (file.type !== 'file' || file.hard !== undefined || file.size === 0) continue;
      const size = await nextContent(source);
      if (size !== file.size) throw changed(layer, file.path);
      return { path: file.path, size };
    }
  }

  async function putAside(path: string, size: number): Promise<void> {
    const file = join(aside.spool, `${layer.slice(0, 16)}-${spooled.size}`);
    await pipeline(contentOf(source, size), createWriteStream(file, { flags: 'wx' }));
    spooled.set(path, file);
  }

  return {
    async *read(wanted) {
      const file = spooled.get(wanted);
      if (file !== undefined) {
        yield* readChunks(file);
        return;
      }
      for (;;) {
        const { path, size } = await next();
        if (path === wanted) {
          yield* contentOf(source, size);
          return;
        }
        if (aside.late.has(path)) await putAside(path, size);
        else await source.skip(size + padding(size).length);
      }
    },
    [Symbol.asyncDispose]: () => source.close(),
  };
}

/** Skips to the next entry with content and gives its size. Names do not matter here and may be any bytes. */
async function nextContent(source: ByteSource): Promise<number | undefined> {
  let paxSize: number | undefined;
  for (;;) {
    const block = await source.take(blockSize);
    const header = block === undefined ? undefined : decodeHeader(block, source.position);
    if (header === undefined) return undefined;
    if (header.type === 'x') {
      const body = await source.take(header.size);
      paxSize = body === undefined ? undefined : paxInteger(parsePax(body), 'size');
      await source.skip(padding(header.size).length);
      continue;
    }
    const size = paxSize ?? header.size;
    if (size > 0) return size;
    paxSize = undefined;
  }
}

async function* contentOf(source: ByteSource, size: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let missing = size; missing > 0;) {
    const part = await source.some(missing);
    missing -= part.length;
    yield part;
  }
  await source.skip(padding(size).length);
}

function changed(layer: LayerId, path: string): TbuildError {
  return new TbuildError('TBUILD_STORE_CORRUPT', `layer ${layer.slice(0, 12)}: ${path} has changed`, {
    hint: 'Build again with --no-cache: something has written into the store.',
    details: { layer, path },
  });
}
