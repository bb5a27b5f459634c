import { join } from 'node:path';
import { accessOf } from '../rootfs/open-store.ts';
import { listLayerIds } from '../store/layer-ids.ts';
import { usedBytes } from '../store/removal.ts';
import type { Store, UsageType } from '../store/types.ts';
import { readUses } from '../store/uses.ts';

export interface SpaceLimit {
  readonly type: UsageType | undefined;
  /** Bytes. */
  readonly maxUsedSpace: number;
  readonly signal?: AbortSignal;
}

/**
 * What was not used since this time (milliseconds since the epoch) has to go for the store to take no more than it may: as little as that needs, or all there is (Infinity). Named images, and what running builds use, are never in it, so the
 * store may take more all the same.
 */
export async function timeForSpace(store: Store, { type, maxUsedSpace, signal }: SpaceLimit): Promise<number> {
  const total = usedBytes(await accessOf(store).helper.usage([store.root]));
  if (total <= maxUsedSpace) return 0;
  const stop = signal === undefined ? {} : { signal };
  const suffices = async (since: number): Promise<boolean> => {
    const { reclaimed } = await store.prune({ all: true, type, dryRun: true, unusedSince: since, ...stop });
    return total - reclaimed <= maxUsedSpace;
  };
  // The later the time, the more goes: what it has to be at least is found by halves.
  const times = await timesOfUse(store);
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (await suffices(times[middle] ?? Infinity)) high = middle;
    else low = middle + 1;
  }
  return times[low] ?? Infinity;
}

/** Moments just behind each use, the earliest first. */
async function timesOfUse(store: Store): Promise<readonly number[]> {
  const made = await Promise.all(
    (await listLayerIds(store.root)).map(async (id) => (await store.layerInfo(id))?.created ?? 0),
  );
  const mounts = (await store.listCacheMounts()).map(({ lastUsed }) => lastUsed);
  const times = [...readUses(join(store.root, 'uses')).values(), ...made, ...mounts];
  return [...new Set(times.map((time) => Math.floor(time) + 1))].sort((a, b) => a - b);
}
