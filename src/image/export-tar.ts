import { mkdir } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { mergedView } from '../store/merged.ts';
import type { Chain, LayerId } from '../store/types.ts';
import { openCleanup } from '../util/cleanup.ts';
import { countedArchive } from './counted.ts';
import type { OnExport } from './counted.ts';
import type { LayerAccess } from './layer-blob.ts';
import { openLayerContents } from './layer-contents.ts';
import type { LayerContents } from './layer-contents.ts';
import { mergedEntries } from './merged-entries.ts';
import type { MergedEntry } from './merged-entries.ts';
import { padding, tarHeader } from './tar-header.ts';

export interface ExportTarOptions extends LayerAccess {
  readonly chain: Chain;
  readonly destination: Writable;
  readonly onExport?: OnExport | undefined;
}

/**
 * Writes what a chain of layers adds up to as one tar, sorted by path, with owners and extended attributes, and ends the destination. The root itself is not in it, as with docker.
 * Contents are streamed: each layer is read once, side by side. Paths sort as bytes (`a-b` before `a/b`), so GNU tar restores the times of directories only with `--delay-directory-restore`.
 */
export async function exportTar(options: ExportTarOptions): Promise<void> {
  const { store, chain, destination, signal, onExport } = options;
  const listingOf = (id: LayerId): ReturnType<typeof store.listing> => store.listing(id);
  const entries = mergedEntries(chain, mergedView(chain, listingOf), listingOf);
  const sizes = entries.map(({ entry, content }) => (content === undefined ? 0 : entry.size));
  const tar = countedArchive(rootfsTar(options, entries), sizes, onExport);
  await pipeline(tar, destination, ...(signal === undefined ? [] : [{ signal }]));
}

async function* rootfsTar(
  access: LayerAccess,
  entries: readonly MergedEntry[],
): AsyncGenerator<Uint8Array, void, undefined> {
  await using cleanup = openCleanup();
  const job = cleanup.use(await access.store.createJob());
  const spool = job.diff;
  await mkdir(spool);
  const late = entries.filter(({ entry, content }) => content !== undefined && content !== entry.path);
  const opened = new Map<LayerId, LayerContents>();
  const contentsOf = (layer: LayerId): LayerContents => {
    const known = opened.get(layer);
    if (known !== undefined) return known;
    // Hard links whose first path is hidden: the content passes by before the place of the link comes.
    const paths = new Set(late.filter((entry) => entry.layer === layer).flatMap(({ content }) => content ?? []));
    const contents = cleanup.use(openLayerContents(access, layer, { late: paths, spool }));
    opened.set(layer, contents);
    return contents;
  };
  for (const entry of entries) {
    yield tarHeader(entry);
    if (entry.content === undefined) continue;
    yield* contentsOf(entry.layer).read(entry.content);
    yield padding(entry.entry.size);
  }
  yield Buffer.alloc(1024);
}
