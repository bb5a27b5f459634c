import { createHash } from 'node:crypto';
import { createReadStream, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { join } from 'node:path';
import { openLayerContents } from '../../src/image/layer-contents.ts';
import { parseImageConfig } from '../../src/oci/config.ts';
import { accessOf } from '../../src/rootfs/open-store.ts';
import { systemIdentity } from '../../src/rootfs/identity.ts';
import type { IdRange } from '../../src/native/helper-types.ts';
import type { Listing, ListingEntry, Store } from '../../src/store/types.ts';
import { decodePathBytes, encodePathBytes } from '../../src/util/path-bytes.ts';

/**
 * Reads everything that a store shows again and compares it with the names and digests it stands under: every layer's listing, the content, type, mode, owner, time, size and link of every
 * path of its diff, its diffID; blobs; images and what they need. Returns a sentence for each thing that is wrong.
 *
 * @param skip layers that were audited before
 */
export async function auditStore(store: Store, skip: ReadonlySet<string> = new Set()): Promise<readonly string[]> {
  const layers = readdirSync(join(store.root, 'layers'));
  const wrong: string[] = [];
  for (const id of layers.filter((each) => !skip.has(each))) wrong.push(...(await auditLayer(store, id)));
  for (const hex of readdirSync(join(store.root, 'blobs/sha256'))) {
    if ((await digestOfFile(join(store.root, 'blobs/sha256', hex))) !== hex)
      wrong.push(`blob ${hex} has another content`);
  }
  for (const { name, image } of await store.listImages()) {
    const of = `image ${name ?? image.id}`;
    const config = parseImageConfig(await store.readBlob(image.id));
    const diffIds = image.chain.map(({ diffId }) => diffId);
    if (diffIds.join() !== config.rootfs.diff_ids.join()) wrong.push(`${of}: its chain is not that of its config`);
    for (const { layer } of image.chain) if (!layers.includes(layer)) wrong.push(`${of}: layer ${layer} is missing`);
  }
  return wrong;
}

async function auditLayer(store: Store, id: string): Promise<readonly string[]> {
  const wrong: string[] = [];
  const note = (what: string): void => void wrong.push(`layer ${id.slice(0, 12)}: ${what}`);
  const directory = join(store.root, 'layers', id);
  const names = readdirSync(directory).toSorted().join();
  if (names !== 'diff,layer.json,listing') note(`holds ${names}`);
  if ((await store.lease([id]))[0] !== true) return [...wrong, `layer ${id}: is not served`];
  const info = await store.layerInfo(id);
  if (info === undefined) return [...wrong, `layer ${id}: has no layer.json`];

  const file = readFileSync(join(directory, 'listing'));
  const text = file.subarray(0, Number(file.readBigUInt64LE(file.length - 32)));
  if (sha256(text) !== id) note('its listing has another digest');
  if (sha256(withoutTimes(text)) !== info.state) note('its state is another');
  const listing = store.listing(id);
  const entries = [...listing.entries()];
  if (entries.length !== info.entries) note(`${entries.length} entries, not ${info.entries}`);
  await auditContents(store, listing, note);
  auditTree(join(directory, 'diff'), entries, note);
  // A layer that arrived keeps its own tar; its blob is looked at with the others.
  if (info.diffId !== undefined) {
    const hash = createHash('sha256');
    const diff = join(directory, 'diff');
    for await (const chunk of accessOf(store).helper.tar({ diff, listing: join(directory, 'listing') }))
      hash.update(chunk);
    if (`sha256:${hash.digest('hex')}` !== info.diffId) note('its canonical tar has another diffID');
  }
  return wrong;
}

/** Through the helper, which may read what belongs to mapped ids. */
async function auditContents(store: Store, listing: Listing, note: (what: string) => void): Promise<void> {
  const access = { store, helper: accessOf(store).helper };
  await using contents = openLayerContents(access, listing.id, { late: new Set(), spool: '/nonexistent' });
  for (const { path, type, hard, size, sha256: expected } of listing.entries()) {
    if (type !== 'file' || hard !== undefined) continue;
    const hash = createHash('sha256');
    if (size > 0) for await (const chunk of contents.read(path)) hash.update(chunk);
    if (hash.digest('hex') !== expected) note(`${path} has another content than its listing says`);
  }
}

function auditTree(diff: string, entries: readonly ListingEntry[], note: (what: string) => void): void {
  const ids = diskIds();
  const expected = new Map(entries.map((entry) => [entry.path, entry]));
  const visit = (directory: string): void => {
    for (const name of readNames(bytePath(diff, directory))) {
      const path = directory === '' ? name : `${directory}/${name}`;
      const entry = expected.get(path);
      const stats = lstatSync(bytePath(diff, path));
      if (entry === undefined) note(`${path} is not in the listing`);
      else for (const difference of differences({ diff, ids, stats }, entry)) note(`${path}: ${difference}`);
      expected.delete(path);
      if (stats.isDirectory()) visit(path);
    }
  };
  expected.delete('');
  visit('');
  for (const path of expected.keys()) if (isMissing(bytePath(diff, path))) note(`${path} is in the listing only`);
}

function differences(
  { diff, ids, stats }: { readonly diff: string; readonly ids: DiskIds; readonly stats: Stats },
  entry: ListingEntry,
): readonly string[] {
  if (entry.type === 'whiteout') return stats.isCharacterDevice() && stats.rdev === 0 ? [] : ['not a whiteout'];
  const found = {
    type: typeOf(stats),
    mode: stats.mode & 0o7777,
    uid: stats.uid,
    gid: stats.gid,
    mtime: entry.mtime === undefined ? undefined : wholeSeconds(bytePath(diff, entry.path)),
    size: entry.type === 'file' ? stats.size : 0,
    link: entry.type === 'symlink' ? decodePathBytes(readlinkSync(bytePath(diff, entry.path), 'buffer')) : undefined,
  };
  const wanted = {
    type: entry.type,
    mode: entry.type === 'symlink' ? 0o777 : entry.mode,
    uid: ids.uid(entry.uid),
    gid: ids.gid(entry.gid),
    mtime: entry.mtime,
    size: entry.size,
    link: entry.link,
  };
  return Object.entries(wanted)
    .filter(([key, value]) => found[key as keyof typeof found] !== value)
    .map(([key, value]) => `${key} is ${String(found[key as keyof typeof found])}, the listing says ${String(value)}`);
}

/** `mtimeMs` would not do: as a double it rounds the last hundred nanoseconds of a second up to the next one. */
function wholeSeconds(path: string | Buffer): number {
  return Number(lstatSync(path, { bigint: true }).mtimeNs / 1_000_000_000n);
}

interface DiskIds {
  readonly uid: (id: number) => number | undefined;
  readonly gid: (id: number) => number | undefined;
}

/** What an id of the image is on this user's disk. */
function diskIds(): DiskIds {
  const { helper } = systemIdentity({});
  const through = (map: readonly IdRange[]) => (id: number) =>
    map
      .map(({ inside, outside, count }) => (id >= inside && id < inside + count ? outside + id - inside : undefined))
      .find((each) => each !== undefined);
  switch (helper.kind) {
    case 'root':
      return { uid: (id) => id, gid: (id) => id };
    case 'mapped':
      return { uid: through(helper.uidMap), gid: through(helper.gidMap) };
    case 'single':
      return { uid: () => helper.uid, gid: () => helper.gid };
  }
}

function typeOf(stats: Stats): string {
  if (stats.isDirectory()) return 'directory';
  if (stats.isFile()) return 'file';
  if (stats.isSymbolicLink()) return 'symlink';
  if (stats.isFIFO()) return 'fifo';
  return stats.isCharacterDevice() ? 'character' : 'block';
}

/** None for a directory that is closed to this user: what is in it was seen through the helper. */
function readNames(directory: Buffer): readonly string[] {
  try {
    return readdirSync(directory, { encoding: 'buffer' }).map((name) => decodePathBytes(name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') return [];
    throw error;
  }
}

function isMissing(path: Buffer): boolean {
  try {
    lstatSync(path);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

function bytePath(diff: string, path: string): Buffer {
  return encodePathBytes(path === '' ? diff : `${diff}/${path}`);
}

/** The text behind the stateDigest (docs/store-listing.md): every MTIME written `-`. */
function withoutTimes(text: Buffer): Buffer {
  const lines = text.toString('latin1').split('\n');
  const timeless = lines.map((line) => line.replace(/^((?:\S+ ){5})\S+/, '$1-'));
  return Buffer.from(timeless.join('\n'), 'latin1');
}

async function digestOfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

function sha256(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
