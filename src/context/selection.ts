import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import type { FileDigests } from './file-digests.ts';
import { fileType, isDirectory, isRegular } from './file-type.ts';
import { requireReadable } from './scan.ts';
import type { SourceMatch } from './source-paths.ts';
import { contextRoot } from './source-paths.ts';
import { requireUtf8 } from './utf8-name.ts';
import type { VisibleTree } from './visible-tree.ts';

interface EntryBase {
  /** Relative to the item, `/`-separated; '' is the item itself. */
  readonly path: string;
  /** Relative to the context root, without symlinks on the way. '' is the context itself. */
  readonly contextPath: string;
  /** Permission bits, 07777: Docker keeps them all. Owners it does not keep: all is 0:0. */
  readonly mode: number;
  /** Seconds, rounded down. */
  readonly mtime: number;
  /** Name to lower-case hex. */
  readonly xattrs: Readonly<Record<string, string>>;
}

/** Stamps of a file when it was listed. */
export interface FileStamps {
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

export type SelectedEntry =
  | (EntryBase & { readonly type: 'directory' })
  | (EntryBase & {
      readonly type: 'file';
      readonly size: number;
      /** 64 hex digits. */
      readonly sha256: string;
      readonly expect: FileStamps;
      /** The stamps prove nothing, because the file changed too recently: hash what is copied. */
      readonly verify: boolean;
      /** `path` of the earlier entry of this item that is the same file. */
      readonly hardlink: string | undefined;
    })
  | (EntryBase & { readonly type: 'symlink'; readonly link: string })
  | (EntryBase & { readonly type: 'fifo' })
  | (EntryBase & { readonly type: 'character' | 'block'; readonly major: number; readonly minor: number });

/** What one source names, or one match of its wildcard. */
export interface SelectedItem {
  /** As it was written, for messages. */
  readonly source: string;
  /** Last component of its path: the name that a copy into a directory gets. */
  readonly name: string;
  /** The thing itself first (never a symlink), then what is below it, parents before children. */
  readonly entries: readonly [SelectedEntry, ...SelectedEntry[]];
}

/** The sources of one COPY or ADD, in the order in which they are copied. Empty when wildcards match nothing. */
export interface Selection {
  readonly items: readonly SelectedItem[];
  /** sha256 of all that the copied result depends on, 64 hex digits. */
  readonly digest: string;
  /** False when the digest leaves permission bits out, because the step sets them itself. */
  readonly modes: boolean;
  /** Sockets, which no image can hold: left out. */
  readonly skipped: readonly string[];
}

export interface SelectionParts {
  readonly items: readonly SelectedItem[];
  readonly skipped: readonly string[];
}

/** The records that a match stands for: itself, and what is visible below it. Throws `TBUILD_CONTEXT` for a directory that may not be read. */
export function recordsOf(tree: VisibleTree, match: SourceMatch): number[] {
  const { scan } = tree;
  const start = match.record === contextRoot ? 0 : match.record;
  const isTree = match.record === contextRoot || isDirectory(scan.mode(start));
  const end = match.record === contextRoot ? scan.length : isTree ? scan.subtreeEnd(start) : start + 1;
  const records: number[] = [];
  for (let record = start; record < end; record++) {
    if (!tree.isVisible(record)) continue;
    requireReadable(scan, record);
    records.push(record);
  }
  return records;
}

/** Needs `digests.read` of all the records first. Throws `TBUILD_CONTEXT` for names that are not UTF-8, as BuildKit does. */
export function buildItems(
  root: string,
  tree: VisibleTree,
  digests: FileDigests,
  matches: readonly SourceMatch[],
): SelectionParts {
  const items: SelectedItem[] = [];
  const skipped: string[] = [];
  for (const match of matches) {
    const entries: SelectedEntry[] = [];
    const base = match.record === contextRoot ? '' : tree.scan.path(match.record);
    if (match.record === contextRoot) entries.push(rootEntry(root));
    const firstLinks = new Map<string, string>();
    for (const record of recordsOf(tree, match)) {
      const contextPath = requireUtf8(tree.scan.path(record));
      const path = base === '' ? contextPath : contextPath.slice(base.length + 1);
      const entry = buildEntry({ root, tree, digests, firstLinks, record, contextPath, path });
      if (entry === undefined) skipped.push(contextPath);
      else entries.push(entry);
    }
    if (hasFirst(entries)) items.push({ source: match.source, name: match.name, entries });
  }
  return { items, skipped };
}

function hasFirst(entries: SelectedEntry[]): entries is [SelectedEntry, ...SelectedEntry[]] {
  return entries.length > 0;
}

interface EntrySource {
  readonly root: string;
  readonly tree: VisibleTree;
  readonly digests: FileDigests;
  /** Identity of files with several names to the first of them in this item. */
  readonly firstLinks: Map<string, string>;
  readonly record: number;
  readonly contextPath: string;
  readonly path: string;
}

/** Undefined: a socket. */
function buildEntry(source: EntrySource): SelectedEntry | undefined {
  const { root, tree, digests, record, contextPath, path } = source;
  const { scan } = tree;
  const type = fileType(scan.mode(record));
  const mode = scan.mode(record) & 0o7777;
  const mtimeNs = scan.mtimeNs(record);
  const mtime = wholeSeconds(mtimeNs);
  const xattrs = digests.xattrs(record);
  switch (type) {
    // One literal per entry, no spreading: there may be a hundred thousand of them.
    case 'file': {
      const size = scan.size(record);
      const expect = { size, mtimeNs, ctimeNs: scan.ctimeNs(record) };
      const sha256 = digests.sha256(record);
      const verify = digests.isFresh(record);
      const hardlink = hardlinkOf(source);
      return { path, contextPath, mode, mtime, xattrs, type, size: Number(size), sha256, expect, verify, hardlink };
    }
    case 'directory':
    case 'fifo':
      return { path, contextPath, mode, mtime, xattrs, type };
    case 'symlink':
      return { path, contextPath, mode, mtime, xattrs, type, link: requireUtf8(digests.link(record)) };
    case 'character':
    case 'block':
      return { path, contextPath, mode, mtime, xattrs, type, ...deviceOf(join(root, contextPath)) };
    case 'socket':
      return undefined;
  }
}

function hardlinkOf({ tree, record, path, firstLinks }: EntrySource): string | undefined {
  if (tree.scan.links(record) < 2 || !isRegular(tree.scan.mode(record))) return undefined;
  const identity = tree.scan.identity(record);
  const first = firstLinks.get(identity);
  if (first === undefined) firstLinks.set(identity, path);
  return first;
}

function rootEntry(root: string): SelectedEntry {
  const stats = lstatSync(root, { bigint: true });
  return {
    type: 'directory',
    path: '',
    contextPath: '',
    mode: Number(stats.mode) & 0o7777,
    mtime: wholeSeconds(stats.mtimeNs),
    xattrs: {},
  };
}

/** Numbers of a device node, which a scan does not hold. Encoding: glibc's gnu_dev_major(3). */
function deviceOf(path: string): { readonly major: number; readonly minor: number } {
  const device = lstatSync(path, { bigint: true }).rdev;
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n);
  return { major: Number(major), minor: Number(minor) };
}

function wholeSeconds(ns: bigint): number {
  const seconds = ns / 1_000_000_000n;
  return Number(ns < 0n && seconds * 1_000_000_000n !== ns ? seconds - 1n : seconds);
}
