import { join } from 'node:path';
import { layerOrigin, readOrigins } from '../cache/origins.ts';
import { familiarReference, parseReference } from '../oci/reference.ts';
import { accessOf } from '../rootfs/open-store.ts';
import { listLayerIds } from '../store/layer-ids.ts';
import { usedBytes } from '../store/removal.ts';
import type { LayerId, Store } from '../store/types.ts';
import { readUses } from '../store/uses.ts';

/** A layer, as `cache du` shows it. Bytes are those of the disk: blocks, directories and listing too. */
export interface DiskUsageEntry {
  readonly id: LayerId;
  /** No named image has it: `tbuild prune --all` removes it, unless a running build stands on it. */
  readonly reclaimable: boolean;
  readonly size: number;
  /** Bytes of `size` that are hard links to files of other layers, or of what is in flight: they stay as long as one of those does. */
  readonly sharedSize: number;
  /** Milliseconds since the epoch. */
  readonly created: number;
  /** When a build or a container last stood on it, or it was made. */
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
  const images = await store.listImages();
  const uses = readUses(join(store.root, 'uses'));
  const origins = await readOrigins(store);
  const ids = await listLayerIds(store.root);
  const trees = await helper.usage(ids.map((id) => join(store.root, 'layers', id)));
  const entries = await Promise.all(
    ids.map(async (id, index): Promise<DiskUsageEntry> => {
      const tree = trees[index] ?? { bytes: 0, linked: [] };
      const users = images.filter(({ image }) => image.chain.some(({ layer }) => layer === id));
      const created = (await store.layerInfo(id))?.created ?? 0;
      const names = users.map(({ name, image }) =>
        name === undefined ? image.id.slice(7, 19) : familiarReference(parseReference(name)),
      );
      const origin = layerOrigin(origins, id);
      return {
        id,
        reclaimable: users.every(({ name }) => name === undefined),
        size: usedBytes([tree]),
        sharedSize: tree.linked.filter(({ links, seen }) => links > seen).reduce((sum, { bytes }) => sum + bytes, 0),
        created,
        lastUsed: Math.max(created, uses.get(`layer ${id}`) ?? 0),
        description:
          origin?.record?.text ??
          origin?.step?.text ??
          (names.length > 0 ? `layer of ${names[0]}` : 'layer without a cache record'),
        images: [...new Set(names)],
      };
    }),
  );
  const isShared = new Set(entries.filter(({ reclaimable }) => !reclaimable).map(({ id }) => id));
  const totals = {
    dangling: (await store.prune({ dryRun: true })).reclaimed,
    reclaimable: (await store.prune({ all: true, dryRun: true })).reclaimed,
    shared: usedBytes(trees.filter((_, index) => isShared.has(ids[index] ?? ''))),
    total: usedBytes(await helper.usage([store.root])),
  };
  return { entries: entries.toSorted((a, b) => b.lastUsed - a.lastUsed), totals };
}
