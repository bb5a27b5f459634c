import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import type { FileDigests } from './file-digests.ts';
import { fileType, isDirectory, isRegular } from './file-type.ts';
import { filterWalk } from './path-filter.ts';
import { requireReadable } from './scan.ts';
import type { SourceMatch } from './source-paths.ts';
import { contextRoot } from './source-tree.ts';
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
  | (EntryBase & {
      readonly type: 'directory';
      /** Only on the way to others: where there is such a directory already, it keeps its owner and attributes, and gets this mode. */
      readonly passed: boolean;
    })
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

/** What is done with a selection: a directory that is copied leaves its own attributes behind, one that is mounted shows them. */
export type SelectedAs = 'copied' | 'mounted';

/** The sources of one COPY or ADD, in the order in which they are copied, or of a mount. Empty when wildcards match nothing. */
export interface Selection {
  readonly items: readonly SelectedItem[];
  /** sha256 of all that the copied result depends on, 64 hex digits. */
  readonly digest: string;
  /** Value of `--chmod`: the digest is of the permission bits that it makes. */
  readonly chmod: string | undefined;
  readonly as: SelectedAs;
  /** Sockets, which no image can hold: left out. */
  readonly skipped: readonly string[];
}

export interface SelectionParts {
  readonly items: readonly SelectedItem[];
  readonly skipped: readonly string[];
}

/** What a match stands for: itself, and what is visible below it and not filtered out. */
export interface MatchedRecords {
  readonly match: SourceMatch<number>;
  readonly records: readonly number[];
  /** Those of them that are only on the way to others. */
  readonly passed: ReadonlySet<number>;
}

const none: ReadonlySet<number> = new Set();

/** Throws `TBUILD_CONTEXT` for a directory that may not be read. */
export function recordsOf(tree: VisibleTree, match: SourceMatch<number>): MatchedRecords {
  const { scan } = tree;
  const start = match.node === contextRoot ? 0 : match.node;
  const isTree = match.node === contextRoot || isDirectory(scan.mode(start));
  const end = match.node === contextRoot ? scan.length : isTree ? scan.subtreeEnd(start) : start + 1;
  const records: number[] = [];
  for (let record = start; record < end; record++) {
    if (!tree.isVisible(record)) continue;
    requireReadable(scan, record);
    records.push(record);
  }
  if (match.filter === undefined || !isTree) return { match, records, passed: none };
  const base = basePath(tree, match);
  const walk = records.map((record) => ({ record, path: relativePath(base, scan.path(record)) }));
  const kept = filterWalk(walk, match.filter);
  return {
    match,
    records: kept.map(({ thing }) => thing.record),
    passed: new Set(kept.filter(({ isPassed }) => isPassed || match.keepsDirectories).map(({ thing }) => thing.record)),
  };
}

/** Needs `digests.read` of all the records first. Throws `TBUILD_CONTEXT` for names that are not UTF-8, as BuildKit does. */
export function buildItems(
  root: string,
  tree: VisibleTree,
  digests: FileDigests,
  matched: readonly MatchedRecords[],
): SelectionParts {
  const items: SelectedItem[] = [];
  const skipped: string[] = [];
  for (const { match, records, passed } of matched) {
    const entries: SelectedEntry[] = [];
    const base = basePath(tree, match);
    if (match.node === contextRoot) entries.push(rootEntry(root));
    const firstLinks = new Map<string, string>();
    for (const record of records) {
      const contextPath = requireUtf8(tree.scan.path(record));
      const path = relativePath(base, contextPath);
      const entry = buildEntry({ root, tree, digests, firstLinks, record, contextPath, path, passed });
      if (entry === undefined) skipped.push(contextPath);
      else entries.push(entry);
    }
    if (hasFirst(entries)) items.push({ source: match.source, name: match.name, entries });
  }
  return { items, skipped };
}

function basePath(tree: VisibleTree, match: SourceMatch<number>): string {
  return match.node === contextRoot ? '' : tree.scan.path(match.node);
}

function relativePath(base: string, path: string): string {
  return base === '' ? path : path.slice(base.length + 1);
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
  readonly passed: ReadonlySet<number>;
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
      return { path, contextPath, mode, mtime, xattrs, type, passed: source.passed.has(record) };
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
    passed: false,
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
