import type { TarEntry } from './read-tar.ts';

export interface EntryAttributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: number;
  readonly xattrs: Readonly<Record<string, string>>;
}

/** What of an entry's attributes a layer keeps. `onDropped` gets the name of each extended attribute that is left out. */
export function keptAttributes(entry: TarEntry, onDropped: (xattr: string) => void): EntryAttributes {
  const { mode, uid, gid } = entry;
  return { mode, uid, gid, mtime: boundTime(entry.mtime), xattrs: keptXattrs(entry, onDropped) };
}

/**
 * `security.capability`, ACLs and `user.*` mean the same everywhere. All else is dropped: `trusted.overlay.*` would be read as overlayfs' own marks, labels of a security module belong to
 * the machine where they were made. (`user.overlay.*` stays: the helper stores it escaped.)
 */
function keptXattrs(entry: TarEntry, onDropped: (xattr: string) => void): Readonly<Record<string, string>> {
  const names = Object.keys(entry.xattrs);
  if (names.every(isKept)) return entry.xattrs;
  for (const name of names) if (!isKept(name)) onDropped(name);
  return Object.fromEntries(Object.entries(entry.xattrs).filter(([name]) => isKept(name)));
}

function isKept(xattr: string): boolean {
  return xattr === 'security.capability' || /^(?:user\.|system\.posix_acl_(?:access|default)$)/.test(xattr);
}

/** Times that Linux file systems cannot hold become 0, as in docker's and containerd's readers. */
function boundTime(seconds: number): number {
  return seconds < 0 || seconds > maxTime ? 0 : seconds;
}

/** 2262-04-11: nanoseconds since the epoch in 63 bits. */
const maxTime = 9_223_372_036;
