import { blank } from './listing-line.ts';
import { TbuildError } from '../errors.ts';
import { encodePathBytes } from '../util/path-bytes.ts';
import type { LayerId, LayerState, Listing, ListingEntry } from './types.ts';

/** What somebody who mounts a chain sees, from listings alone. Paths are relative to the root, '' is the root. */
export interface MergedView {
  /** Never through symlinks: a path below a symlink or a file is absent. A directory has the attributes of the topmost layer that lists it. */
  find(path: string): ListingEntry | undefined;
  /** The layer that holds what `find` shows; undefined for a root that no layer lists. */
  layerOf(path: string): LayerId | undefined;
  /** Sorted by path bytes. Nothing for what is not a directory. */
  children(path: string): readonly ListingEntry[];
  /**
   * Walks the path as a process would that has this state as its root: symlinks (absolute ones too) and `..` stay inside. Missing components stand for themselves.
   * Throws TBUILD_COPY after 40 symlinks.
   */
  resolve(path: string, options: { readonly followLast: boolean }): ResolvedPath;
}

export interface ResolvedPath {
  /** Without symlinks in any directory of it. */
  readonly path: string;
  readonly entry: ListingEntry | undefined;
  /** Whose `diff/` has the entry under `path`. */
  readonly layer: LayerId | undefined;
  /** Each component in the order in which it was met, the root first. */
  readonly walked: readonly { readonly path: string; readonly entry: ListingEntry | undefined }[];
}

export function mergedView(chain: readonly LayerState[], listingOf: (id: LayerId) => Listing): MergedView {
  let root: Found | undefined;
  const directories = new Map<string, Found>();

  const openRoot = (): Found =>
    (root ??= findRoot([...new Set(chain.map(({ layer }) => layer).reverse())].map(listingOf)));

  const lookUp = (path: string): Found | undefined => {
    if (path === '') return openRoot();
    const known = directories.get(path);
    if (known !== undefined) return known;
    const parent = lookUp(path.slice(0, Math.max(path.lastIndexOf('/'), 0)));
    const found = parent === undefined ? undefined : findIn(parent.visible, path);
    if (found?.entry.type === 'directory') directories.set(path, found);
    return found;
  };

  return {
    find: (path) => lookUp(path)?.entry,
    layerOf: (path) => lookUp(path)?.layer,
    children: (path) => mergeChildren(lookUp(path)?.visible ?? [], path),
    resolve: (path, { followLast }) => resolvePath(lookUp, path, followLast),
  };
}

interface Found {
  readonly entry: ListingEntry;
  readonly layer: LayerId | undefined;
  /** Of a directory: the layers whose entries below it show, topmost first. */
  readonly visible: readonly Listing[];
}

/** The root of a chain that lists none. */
export const blankRoot: ListingEntry = { ...blank, mode: 0o755 };

/** Every layer shows at the root, listed or not, down to an opaque one. */
function findRoot(listings: readonly Listing[]): Found {
  let top: { entry: ListingEntry; layer: LayerId } | undefined;
  const visible: Listing[] = [];
  for (const listing of listings) {
    visible.push(listing);
    const entry = listing.find('');
    if (entry === undefined) continue;
    top ??= { entry, layer: listing.id };
    if (entry.opaque) break;
  }
  return { entry: top?.entry ?? blankRoot, layer: top?.layer, visible };
}

/** overlayfs: the topmost entry counts; a directory merges with those below until one is opaque or something that is not a directory comes. */
function findIn(listings: readonly Listing[], path: string): Found | undefined {
  let top: { entry: ListingEntry; layer: LayerId } | undefined;
  const visible: Listing[] = [];
  for (const listing of listings) {
    const entry = listing.find(path);
    if (entry === undefined) continue;
    if (entry.type === 'whiteout') break;
    if (entry.type !== 'directory') {
      if (top === undefined) return { entry, layer: listing.id, visible: [] };
      break;
    }
    top ??= { entry, layer: listing.id };
    visible.push(listing);
    if (entry.opaque) break;
  }
  return top === undefined ? undefined : { ...top, visible };
}

/** The names that show in a directory, with each one's topmost entry. */
function mergeChildren(listings: readonly Listing[], path: string): ListingEntry[] {
  if (listings.length === 1 && listings[0] !== undefined) {
    return listings[0].children(path).filter(({ type }) => type !== 'whiteout');
  }
  const topmost = new Map<string, ListingEntry>();
  for (const listing of listings) {
    for (const entry of listing.children(path)) {
      if (!topmost.has(entry.path)) topmost.set(entry.path, entry);
    }
  }
  return [...topmost.values()]
    .filter(({ type }) => type !== 'whiteout')
    .map((entry) => ({ entry, bytes: encodePathBytes(entry.path) }))
    .sort((a, b) => a.bytes.compare(b.bytes))
    .map(({ entry }) => entry);
}

// As Linux (path_resolution(7)).
const maxSymlinks = 40;

function resolvePath(lookUp: (path: string) => Found | undefined, path: string, followLast: boolean): ResolvedPath {
  const rest = path.split('/').reverse();
  const rootEntry = lookUp('')?.entry;
  const walked: { path: string; entry: ListingEntry | undefined }[] = [{ path: '', entry: rootEntry }];
  let current = '';
  let links = 0;
  for (let name = rest.pop(); name !== undefined; name = rest.pop()) {
    if (name === '' || name === '.') continue;
    if (name === '..') {
      current = current.slice(0, Math.max(current.lastIndexOf('/'), 0));
      continue;
    }
    const next = current === '' ? name : `${current}/${name}`;
    const entry = lookUp(next)?.entry;
    walked.push({ path: next, entry });
    // What follows a last symlink, if only a slash, makes it a directory to walk through.
    if (entry?.type !== 'symlink' || entry.link === undefined || (rest.length === 0 && !followLast)) {
      current = next;
      continue;
    }
    links += 1;
    if (links > maxSymlinks) {
      throw new TbuildError('TBUILD_COPY', `${path}: too many levels of symbolic links`, {
        hint: 'two symbolic links of the image probably point to each other',
        details: { path },
      });
    }
    if (entry.link.startsWith('/')) current = '';
    rest.push(...entry.link.split('/').reverse());
  }
  const found = lookUp(current);
  return { path: current, entry: found?.entry, layer: found?.layer, walked };
}
