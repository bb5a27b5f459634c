import { join } from 'node:path';
import { layerOrigin, readOrigins } from '../cache/origins.ts';
import type { OriginIndex } from '../cache/origins.ts';
import type { TreeUsage } from '../native/helper-types.ts';
import { familiarReference, parseReference } from '../oci/reference.ts';
import { accessOf } from '../rootfs/open-store.ts';
import { listLayerIds } from '../store/layer-ids.ts';
import { usedBytes } from '../store/removal.ts';
import type { LayerId, Store, UsageType } from '../store/types.ts';
import { readUses } from '../store/uses.ts';

/** A layer or a cache mount, as `cache du` shows it. Bytes are those of the disk: blocks, directories and listing too. */
export interface DiskUsageEntry {
  /** 64 hex digits: the layer's, or those of the cache mount's directory. */
  readonly id: string;
  readonly type: UsageType;
  /** No named image has it: `tbuild prune --all` removes it, unless a running build stands on it. Of a cache mount: no command has it mounted. */
  readonly reclaimable: boolean;
  readonly size: number;
  /** Bytes of `size` that are hard links to files of other layers, or of what is in flight: they stay as long as one of those does. */
  readonly sharedSize: number;
  /** Milliseconds since the epoch. */
  readonly created: number;
  /** When a build or a container last stood on it or mounted it, or it was made. */
  readonly lastUsed: number;
  /** The instruction, or where it came from. */
  readonly description: string;
  /** Names (or ids) of the images that have it. */
  readonly images: readonly string[];
}

/** What the store takes on the disk; each file once, whatever its hard links, and each layer once, whatever the images that have it. */
export interface DiskUsage {
  /** Least recently used last. */
  readonly entries: readonly DiskUsageEntry[];
  readonly totals: {
    /** What `tbuild prune` frees. */
    readonly dangling: number;
    /** What `tbuild prune --all` frees. */
    readonly reclaimable: number;
    /** Layers that named images have. */
    readonly shared: number;
    /** All that is in the store. */
    readonly total: number;
  };
}

export async function diskUsage(store: Store): Promise<DiskUsage> {
  const { helper } = accessOf(store);
  const layers = await layerEntries(store);
  const entries = [...layers.map(({ entry }) => entry), ...(await cacheMountEntries(store))];
  const totals = {
    dangling: (await store.prune({ dryRun: true })).reclaimed,
    reclaimable: (await store.prune({ all: true, dryRun: true })).reclaimed,
    shared: usedBytes(layers.filter(({ entry }) => !entry.reclaimable).map(({ tree }) => tree)),
    total: usedBytes(await helper.usage([store.root])),
  };
  return { entries: entries.toSorted((a, b) => b.lastUsed - a.lastUsed), totals };
}

async function layerEntries(
  store: Store,
): Promise<readonly { readonly entry: DiskUsageEntry; readonly tree: TreeUsage }[]> {
  const images = await store.listImages();
  const uses = readUses(join(store.root, 'uses'));
  const origins = await readOrigins(store);
  const ids = await listLayerIds(store.root);
  const trees = await accessOf(store).helper.usage(ids.map((id) => join(store.root, 'layers', id)));
  return Promise.all(
    ids.map(async (id, index) => {
      const tree = trees[index] ?? { bytes: 0, linked: [] };
      const users = images.filter(({ image }) => image.chain.some(({ layer }) => layer === id));
      const created = (await store.layerInfo(id))?.created ?? 0;
      const names = users.map(({ name, image }) =>
        name === undefined ? image.id.slice(7, 19) : familiarReference(parseReference(name)),
      );
      const entry: DiskUsageEntry = {
        id,
        type: 'regular',
        reclaimable: users.every(({ name }) => name === undefined),
        size: usedBytes([tree]),
        sharedSize: sharedBytes(tree),
        created,
        lastUsed: Math.max(created, uses.get(`layer ${id}`) ?? 0),
        description: describeLayer(origins, id, names),
        images: [...new Set(names)],
      };
      return { entry, tree };
    }),
  );
}

function describeLayer(origins: OriginIndex, id: LayerId, names: readonly string[]): string {
  const origin = layerOrigin(origins, id);
  const tree = origins.trees.get(id);
  return (
    origin?.record?.text ??
    origin?.step?.text ??
    (tree === undefined ? undefined : `files of ${tree.origin}${tree.use === 'mounted' ? ' for RUN --mount' : ''}`) ??
    (names.length > 0 ? `layer of ${names[0]}` : 'layer without a cache record')
  );
}

async function cacheMountEntries(store: Store): Promise<readonly DiskUsageEntry[]> {
  const mounts = await store.listCacheMounts();
  const trees = await accessOf(store).helper.usage(mounts.map(({ key }) => join(store.root, 'mounts', key)));
  return mounts.map(({ key, id, namespace, created, lastUsed, copies }, index) => {
    const tree = trees[index] ?? { bytes: 0, linked: [] };
    return {
      id: key,
      type: 'exec.cachemount',
      reclaimable: copies.every(({ inUse }) => !inUse),
      size: usedBytes([tree]),
      sharedSize: sharedBytes(tree),
      created,
      lastUsed,
      description: `cache mount with id ${JSON.stringify(id)}${namespace === '' ? '' : ` in namespace ${JSON.stringify(namespace)}`}`,
      images: [],
    };
  });
}

function sharedBytes({ linked }: TreeUsage): number {
  const elsewhere = linked.filter(({ links, seen }) => links > seen);
  return elsewhere.reduce((sum, { bytes }) => sum + bytes, 0);
}
