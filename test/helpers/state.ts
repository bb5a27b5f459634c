import type { ListingEntry } from '../../src/store/types.ts';
import type { StateView } from '../../src/cache/facts.ts';

const blank: ListingEntry = {
  path: '',
  type: 'file',
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtime: 0,
  size: 0,
  sha256: undefined,
  link: undefined,
  device: undefined,
  hard: undefined,
  opaque: false,
  parent: false,
  xattrs: {},
};

/** A state from an object literal: `{ 'etc/': {}, 'etc/passwd': { sha256: 'a' }, 'bin': { link: 'usr/bin' } }`; a trailing slash makes a directory. */
export function stateView(entries: Readonly<Record<string, Partial<ListingEntry>>>): StateView {
  const found = new Map<string, ListingEntry>();
  for (const [name, attributes] of Object.entries(entries)) {
    const path = name.replace(/\/$/, '');
    const type = name.endsWith('/') ? 'directory' : attributes.link === undefined ? 'file' : 'symlink';
    found.set(path, { ...blank, type, mode: type === 'directory' ? 0o755 : 0o644, ...attributes, path });
  }
  return { find: (path) => found.get(path) };
}
