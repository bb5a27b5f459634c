import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { CommittedDiff } from '../../src/native/helper-types.ts';
import { openStore } from '../../src/store/open.ts';
import type { OpenStoreOptions } from '../../src/store/open.ts';
import type { ChainLayer, ImageRecord, Job, ListingEntry, Store } from '../../src/store/types.ts';
import { encodePathBytes } from '../../src/util/path-bytes.ts';

/** A store in a directory of its own, which goes away with it. */
export interface TempStore extends AsyncDisposable {
  readonly root: string;
  /** A handle on it, disposed with it unless that was done before. */
  open(options?: Omit<OpenStoreOptions, 'root'>): Promise<Store>;
}

export function tempStore(): TempStore {
  const directory = mkdtempSync(join(tmpdir(), 'tbuild-store-'));
  const root = join(directory, 'store');
  const handles: Store[] = [];
  return {
    root,
    async open(options = {}) {
      const store = await openStore({ ...options, root });
      handles.push(store);
      return store;
    },
    async [Symbol.asyncDispose]() {
      for (const store of handles) await store[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** What a test says about an entry: a file's content, or what differs from a plain file, or from a plain directory where `type` says so. */
export type EntrySpec = string | (Partial<Omit<ListingEntry, 'path'>> & { readonly content?: string });

/** Path to entry. Order does not matter; parents are not added. */
export type LayerSpec = Readonly<Record<string, EntrySpec>>;

/** Commits a layer whose `diff/` has the regular files and directories of the spec. */
export async function commitLayer(store: Store, spec: LayerSpec): Promise<ChainLayer> {
  const job = await store.createJob();
  try {
    return await commitJob(job, spec);
  } finally {
    await job[Symbol.asyncDispose]();
  }
}

export async function commitJob(job: Job, spec: LayerSpec): Promise<ChainLayer> {
  writeDiff(job.diff, spec);
  const info = await job.commitLayer(committedDiff(spec));
  return { layer: info.id, diffId: `sha256:${sha256(`tar of ${info.id}`)}`, state: info.state };
}

export function writeDiff(diff: string, spec: LayerSpec): void {
  mkdirSync(diff, { recursive: true });
  for (const entry of listingEntries(spec)) {
    const path = join(diff, entry.path);
    if (entry.type === 'directory') mkdirSync(path, { recursive: true });
    if (entry.type !== 'file') continue;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, contentOf(spec[entry.path]));
  }
}

/** What the helper would answer for such a diff. */
export function committedDiff(spec: LayerSpec): CommittedDiff {
  const entries = listingEntries(spec);
  const listing = listingText(entries);
  const state = sha256(listingText(entries.map((entry) => ({ ...entry, mtime: undefined }))));
  const id = sha256(listing);
  return {
    listing,
    sha256: id,
    state,
    diffId: sha256(`tar of ${id}`),
    tarSize: 1024,
    size: entries.reduce((total, { size }) => total + size, 0),
    entries: entries.length,
    changed: [],
  };
}

/** In the order of a listing. */
export function listingEntries(spec: LayerSpec): ListingEntry[] {
  return Object.entries(spec)
    .map(([path, entry]) => fullEntry(path, entry))
    .sort((a, b) => encodePathBytes(a.path).compare(encodePathBytes(b.path)));
}

/** docs/store-listing.md, written a second time. */
export function listingText(entries: readonly ListingEntry[]): Buffer {
  return Buffer.from(entries.map((entry) => `${listingLine(entry)}\n`).join(''), 'latin1');
}

export function imageRecord(chain: readonly ChainLayer[], fields: Partial<ImageRecord> = {}): ImageRecord {
  return {
    id: `sha256:${sha256(JSON.stringify(chain))}`,
    platform: { os: 'linux', architecture: 'amd64' },
    chain,
    created: '2026-01-02T03:04:05Z',
    size: 0,
    repoDigests: [],
    manifest: undefined,
    parentBuild: undefined,
    ...fields,
  };
}

/** Damages a file of the store as a disk would: its mode, which is its sync mark, stays. */
export function overwrite(path: string, content: Uint8Array): void {
  const { mode } = statSync(path);
  chmodSync(path, 0o600);
  writeFileSync(path, content);
  chmodSync(path, mode);
}

export function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

function fullEntry(path: string, spec: EntrySpec): ListingEntry {
  const fields = typeof spec === 'string' ? { content: spec } : spec;
  const { content, ...given } = fields;
  const type = given.type ?? 'file';
  const isPlain = type !== 'whiteout';
  const bytes = Buffer.from(content ?? '');
  return {
    path,
    type,
    mode: !isPlain ? 0 : type === 'directory' ? 0o755 : 0o644,
    uid: 0,
    gid: 0,
    mtime: isPlain && given.parent !== true ? 1_700_000_000 : undefined,
    size: type === 'file' ? bytes.length : 0,
    sha256: type === 'file' ? sha256(bytes) : undefined,
    link: undefined,
    device: undefined,
    hard: undefined,
    opaque: false,
    parent: false,
    xattrs: {},
    ...given,
  };
}

function contentOf(spec: EntrySpec | undefined): string {
  return (typeof spec === 'string' ? spec : spec?.content) ?? '';
}

const letters = { directory: 'd', file: 'f', symlink: 'l', character: 'c', block: 'b', fifo: 'p', whiteout: 'w' };

function listingLine(entry: ListingEntry): string {
  const path = entry.path === '' ? '.' : escapePath(entry.path);
  if (entry.type === 'whiteout') return `${path} w`;
  const { mode, uid, gid, mtime } = entry;
  const keys = [
    ...(entry.type === 'file' ? [`size=${entry.size}`, `sha256=${entry.sha256}`] : []),
    ...(entry.link === undefined ? [] : [`link=${escapePath(entry.link)}`]),
    ...(entry.device === undefined ? [] : [`dev=${entry.device.major}:${entry.device.minor}`]),
    ...(entry.hard === undefined ? [] : [`hard=${escapePath(entry.hard)}`]),
    ...(entry.opaque ? ['opaque=1'] : []),
    ...(entry.parent ? ['parent=1'] : []),
    ...Object.keys(entry.xattrs)
      .sort()
      .map((name) => `x:${name}=${entry.xattrs[name]}`),
  ];
  return [path, letters[entry.type], mode.toString(8), uid, gid, mtime ?? '-', ...keys].join(' ');
}

function escapePath(path: string): string {
  return [...encodePathBytes(path)]
    .map((byte) => {
      const isPlain = byte > 0x20 && byte < 0x7f && byte !== 0x25;
      return isPlain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
}
