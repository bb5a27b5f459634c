import type { Listing, ListingEntry } from '../../../src/store/types.ts';

/** A listing of regular files with sizes. */
export function memoryListing(sizes: Readonly<Record<string, number>>): Listing {
  const entries = Object.entries(sizes).map(([path, size]): ListingEntry => ({
    path,
    type: 'file',
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtime: 0,
    size,
    sha256: '0'.repeat(64),
    link: undefined,
    device: undefined,
    hard: undefined,
    opaque: false,
    parent: false,
    xattrs: {},
  }));
  const find = (path: string): ListingEntry | undefined => entries.find((entry) => entry.path === path);
  return {
    id: '0'.repeat(64),
    find,
    children: () => [],
    touches: (path) => find(path) !== undefined,
    entries: () => entries,
  };
}
