import { join } from 'node:path';
import { rm } from 'node:fs/promises';
import { accessOf, withStore } from '../rootfs/open-store.ts';
import { freedBytes } from '../store/removal.ts';
import type { PruneResult, Store, UsageType } from '../store/types.ts';
import { containersDirectory, isEnded, keptDirectory, listContainers } from './container.ts';
import { timeForSpace } from './time-for-space.ts';

export interface PruneOptions {
  /** Also cache mounts, cache records, and images and layers that only they keep. @default false */
  readonly all?: boolean | undefined;
  /** Only these. Cache mounts that are asked for so go without `all`. @default both */
  readonly type?: UsageType | undefined;
  /** Bytes that the store may take: of what `all` means, only what was used least recently goes, until it takes no more. */
  readonly maxUsedSpace?: number | undefined;
  /** Only what was neither made nor used since. @default whatever its age */
  readonly unusedSince?: Date | undefined;
  /** Only say what would go. @default false */
  readonly dryRun?: boolean | undefined;
  readonly storeRoot?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Removes what ended containers left, and what no image, record, lease or running build needs. Safe while builds run. */
export async function prune({
  all = false,
  type,
  maxUsedSpace,
  unusedSince,
  dryRun = false,
  storeRoot,
  signal,
}: PruneOptions): Promise<PruneResult & { readonly containers: readonly string[] }> {
  return withStore({ root: storeRoot, signal }, async (store) => {
    const stop = signal === undefined ? {} : { signal };
    const given = unusedSince?.getTime();
    const since =
      maxUsedSpace === undefined
        ? given
        : Math.min(await timeForSpace(store, { type, maxUsedSpace, ...stop }), given ?? Infinity);
    // First: what a killed process had in flight goes, and its container has ended.
    const result = await store.prune({
      all: all || maxUsedSpace !== undefined,
      type,
      dryRun,
      unusedSince: since,
      ...stop,
    });
    const containers = type === 'exec.cachemount' ? [] : await pruneContainers(store, { since, dryRun });
    const left = containers.reduce((sum, { bytes }) => sum + bytes, 0);
    return { ...result, reclaimed: result.reclaimed + left, containers: containers.map(({ id }) => id) };
  });
}

async function pruneContainers(
  store: Store,
  { since, dryRun }: { readonly since: number | undefined; readonly dryRun: boolean },
): Promise<readonly { readonly id: string; readonly bytes: number }[]> {
  const { helper } = accessOf(store);
  const ended = (await listContainers(store))
    .filter(isEnded)
    .filter(({ started }) => since === undefined || Date.parse(started) < since);
  const directories = ended.map(({ id }) => join(containersDirectory(store), id));
  const trees = await helper.usage(directories);
  if (!dryRun) {
    await helper.remove(directories.map(keptDirectory));
    for (const directory of directories) await rm(directory, { recursive: true, force: true });
  }
  return ended.map(({ id }, index) => ({ id, bytes: freedBytes(trees.slice(index, index + 1)) }));
}
