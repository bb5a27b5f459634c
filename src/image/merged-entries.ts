import type { MergedView } from '../store/merged.ts';
import type { Chain, LayerId, LayerState, Listing, ListingEntry } from '../store/types.ts';
import { encodePathBytes } from '../util/path-bytes.ts';

/** One file of a merged tree, with the layer that it comes from. */
export interface MergedEntry {
  readonly entry: ListingEntry;
  readonly layer: LayerId;
  /** The path as bytes. */
  readonly name: Buffer;
  /** Seconds. */
  readonly mtime: number;
  /** The path in the merged tree that this one is a hard link to. */
  readonly linkTo: string | undefined;
  /** For a file with content: the path of the layer that holds it. Not the entry's own where that one is hidden by another layer. */
  readonly content: string | undefined;
}

/** All that shows of a chain, but for the root, sorted by path bytes as each layer's canonical tar is. */
export function mergedEntries(
  chain: Chain,
  view: MergedView,
  listingOf: (id: LayerId) => Listing,
): readonly MergedEntry[] {
  const found = [...walk(view, '')]
    .map((shown) => ({ ...shown, name: encodePathBytes(shown.entry.path) }))
    .toSorted((a, b) => a.name.compare(b.name));
  const timeOf = timesOf(chain, listingOf);
  // The first path of each hard link group that shows: it carries the content.
  const carriers = new Map<string, string>();
  return found.map(({ entry, layer, name }) => {
    const first = entry.hard ?? entry.path;
    const group = `${layer} ${first}`;
    const carrier = carriers.get(group);
    if (entry.type !== 'directory' && carrier === undefined) carriers.set(group, entry.path);
    const holdsContent = entry.type === 'file' && carrier === undefined;
    return {
      entry,
      layer,
      name,
      mtime: timeOf(entry, layer),
      linkTo: carrier,
      content: holdsContent && entry.size > 0 ? first : undefined,
    };
  });
}

interface Shown {
  readonly entry: ListingEntry;
  readonly layer: LayerId;
}

function* walk(view: MergedView, directory: string): Generator<Shown, void, undefined> {
  for (const entry of view.children(directory)) {
    const layer = view.layerOf(entry.path);
    if (layer === undefined) throw new TypeError(`no layer has ${entry.path}`);
    yield { entry, layer };
    if (entry.type === 'directory') yield* walk(view, entry.path);
  }
}

/** The time, in seconds, of an entry that shows from a layer: a directory that a step only passed through has the one that it has below. */
export function timesOf(
  chain: readonly LayerState[],
  listingOf: (id: LayerId) => Listing,
): (entry: ListingEntry, layer: LayerId) => number {
  let layers: readonly Listing[] | undefined;
  return (entry, layer) => {
    if (entry.mtime !== undefined) return entry.mtime;
    layers ??= [...new Set(chain.map((each) => each.layer).toReversed())].map(listingOf);
    return timeBelow(layers, layer, entry.path);
  };
}

function timeBelow(layers: readonly Listing[], layer: LayerId, path: string): number {
  for (const listing of layers.slice(layers.findIndex(({ id }) => id === layer))) {
    const entry = listing.find(path);
    if (entry === undefined) continue;
    if (entry.type !== 'directory') return 0;
    if (entry.mtime !== undefined) return entry.mtime;
    if (entry.opaque) return 0;
  }
  return 0;
}
