import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import type { Digest } from '../oci/digest.ts';
import { isDigest } from '../oci/digest.ts';
import { chainStates } from './chain.ts';
import type { StoreContext } from './context.ts';
import { readSealedJson } from './guarded.ts';
import { listImageIds, listNames, readImage } from './images.ts';
import { readLeases } from './leases.ts';
import { recordsAt } from './records.ts';
import { isHexId } from './paths.ts';
import type { DiffIdInfo, ImageRecord, LayerId, LayerInfo } from './types.ts';
import { readUses } from './uses.ts';
import type { Uses } from './uses.ts';

/** What is used, and what of the small files goes. */
export interface Reachable {
  readonly layers: ReadonlySet<LayerId>;
  readonly blobs: ReadonlySet<Digest>;
  /** Images without a name, which no live store handle uses. */
  readonly danglingImages: readonly Digest[];
  /** Record files of which some records go, with those that stay. */
  readonly records: readonly { readonly path: string; readonly kept: readonly unknown[]; readonly dropped: number }[];
  /** Of layers that go. */
  readonly diffIds: readonly string[];
  /** Lease files of processes that are gone. */
  readonly leases: readonly string[];
}

export interface ReachOptions {
  readonly all: boolean;
  /** Milliseconds since the epoch: what was made or used since is kept too. */
  readonly unusedSince: number | undefined;
}

/**
 * Marks from the roots: named images, leases and records (with `all` only records of named images).
 *
 * Obligation: call with gc.lock held exclusively. Leases are read first: whoever gives one up has put its images and records in place before, and these are read afterwards.
 */
export function findReachable(context: StoreContext, { all, unusedSince }: ReachOptions): Reachable {
  const { addon, paths } = context;
  const leased = readLeases(addon, paths.inside('leases'));
  const named = new Set(listNames(context).map(({ id }) => id));
  const ids = listImageIds(context);
  const ages = unusedSince === undefined ? undefined : { since: unusedSince, uses: readUses(paths.inside('uses')) };
  const keptIds = ids.filter((id) => named.has(id) || leased.image.has(id) || isYoungFile(paths.image(id), ages));
  const kept = keptIds.map((id) => readImage(context, id)).filter((image) => image !== undefined);

  const layers = new Set<LayerId>(leased.layer);
  for (const image of kept) for (const { layer } of image.chain) layers.add(layer);
  const keep = all ? recordsOf(kept, leased.layer) : recordsWithLayer(context);
  const records = sortRecords(context, (record, key) => keep(record, key) || isYoungRecord(context, record, key, ages));
  for (const layer of records.layers) layers.add(layer);
  if (ages !== undefined) for (const id of youngLayers(context, ages)) layers.add(id);

  const blobs = new Set<Digest>([...leased.blob].filter(isDigest));
  for (const image of kept) for (const digest of blobsOf(context, image)) blobs.add(digest);
  const diffIds = sortDiffIds(context, layers);
  for (const digest of diffIds.blobs) blobs.add(digest);
  if (ages !== undefined) for (const digest of youngBlobs(context, ages)) blobs.add(digest);
  return {
    layers,
    blobs,
    danglingImages: ids.filter((id) => !keptIds.includes(id)),
    records: records.changed,
    diffIds: diffIds.gone,
    leases: leased.garbage,
  };
}

/** The part of a cache record that the store understands. `layer` is null for a step that changes only the config; `heldOn` is the chain state that it stands on. */
interface RecordRoots {
  readonly layer: LayerId | null;
  readonly heldOn?: string;
  /** Milliseconds since the epoch. */
  readonly created?: number;
}

interface Ages {
  readonly since: number;
  readonly uses: Uses;
}

/** A record is as old as the last use of its layer; several steps may have one. */
function isYoungRecord(context: StoreContext, record: RecordRoots, key: string, ages: Ages | undefined): boolean {
  if (ages === undefined) return false;
  const { layer, created = 0 } = record;
  const used = layer === null ? (ages.uses.get(`record ${key}`) ?? 0) : lastUseOfLayer(context, layer, ages.uses);
  return Math.max(used, layer === null ? created : 0) >= ages.since;
}

/** When a layer was last used, or made; 0 for one that is not there. */
function lastUseOfLayer({ paths, checksum }: StoreContext, id: LayerId, uses: Uses): number {
  const info = readSealedJson(paths.layerInfo(id), checksum) as LayerInfo | undefined;
  return info === undefined ? 0 : Math.max(info.created, uses.get(`layer ${id}`) ?? 0);
}

function youngLayers(context: StoreContext, { since, uses }: Ages): readonly LayerId[] {
  const ids = readdirSync(context.paths.inside('layers')).filter(isHexId);
  return ids.filter((id) => lastUseOfLayer(context, id, uses) >= since);
}

function youngBlobs({ paths }: StoreContext, ages: Ages): readonly Digest[] {
  const digests = readdirSync(paths.inside('blobs/sha256')).map((hex) => `sha256:${hex}`);
  return digests
    .filter(isDigest)
    .filter((digest) => (ages.uses.get(`blob ${digest}`) ?? 0) >= ages.since || isYoungFile(paths.blob(digest), ages));
}

function isYoungFile(path: string, ages: Ages | undefined): boolean {
  return ages !== undefined && (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) >= ages.since;
}

type Keep = (record: RecordRoots, key: string) => boolean;

/** Records that can still serve. */
function recordsWithLayer({ paths }: StoreContext): Keep {
  return ({ layer }) => layer === null || existsSync(paths.layerInfo(layer));
}

/** Records that lead to one of the images, or to what a running build uses. */
function recordsOf(images: readonly ImageRecord[], leased: ReadonlySet<LayerId>): Keep {
  const layers = new Set([...leased, ...images.flatMap(({ chain }) => chain.map(({ layer }) => layer))]);
  const states = new Set(images.flatMap(({ chain }) => chainStates(chain)));
  return ({ layer, heldOn }) => (layer === null ? heldOn !== undefined && states.has(heldOn) : layers.has(layer));
}

function sortRecords(
  { paths, checksum }: StoreContext,
  keep: Keep,
): { layers: Set<LayerId>; changed: Reachable['records'] } {
  const layers = new Set<LayerId>();
  const changed: Reachable['records'][number][] = [];
  const directory = paths.inside('records');
  for (const shard of readdirSync(directory)) {
    for (const name of readdirSync(`${directory}/${shard}`)) {
      const path = `${directory}/${shard}/${name}`;
      const records = recordsAt(path, checksum);
      const kept = records.filter((record) => isRecord(record) && keep(record, name));
      for (const { layer } of kept.filter(isRecord)) if (layer !== null) layers.add(layer);
      if (kept.length < Math.max(records.length, 1))
        changed.push({ path, kept, dropped: records.length - kept.length });
    }
  }
  return { layers, changed };
}

function isRecord(value: unknown): value is RecordRoots {
  const layer = (value as Partial<RecordRoots> | null | undefined)?.layer;
  return layer === null || (typeof layer === 'string' && /^[0-9a-f]{64}$/.test(layer));
}

/** The blob that a kept layer arrived as stays with it: the layer is always exported as those bytes. */
function sortDiffIds(
  { paths, checksum }: StoreContext,
  layers: ReadonlySet<LayerId>,
): { gone: string[]; blobs: Digest[] } {
  const gone: string[] = [];
  const blobs: Digest[] = [];
  const directory = paths.inside('diffids');
  for (const name of readdirSync(directory)) {
    const path = `${directory}/${name}`;
    const info = readSealedJson(path, checksum) as DiffIdInfo | undefined;
    if (info === undefined || !layers.has(info.layer)) gone.push(path);
    else if (info.blob !== undefined) blobs.push(info.blob.digest);
  }
  return { gone, blobs };
}

/** Config, manifest, and what the manifest names. */
function blobsOf({ paths }: StoreContext, { id, manifest }: ImageRecord): readonly Digest[] {
  if (manifest === undefined) return [id];
  const path = paths.blob(manifest.digest);
  const text = existsSync(path) ? readFileSync(path, 'latin1') : '';
  const named = [...text.matchAll(/sha256:[0-9a-f]{64}/g)].map(([digest]) => digest).filter(isDigest);
  return [id, manifest.digest, ...named];
}
