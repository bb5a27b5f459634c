import { join } from 'node:path';
import { rm } from 'node:fs/promises';
import { accessOf, withStore } from '../rootfs/open-store.ts';
import { freedBytes } from '../store/removal.ts';
import type { PruneResult } from '../store/types.ts';
import { containersDirectory, isEnded, keptDirectory, listContainers } from './container.ts';

export interface PruneOptions {
  /** Also cache records, and images and layers that only they keep. @default false */
  readonly all?: boolean | undefined;
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
  unusedSince,
  dryRun = false,
  storeRoot,
  signal,
}: PruneOptions): Promise<PruneResult & { readonly containers: readonly string[] }> {
  return withStore({ root: storeRoot, signal }, async (store) => {
    // First: what a killed process had in flight goes, and its container has ended.
    const since = unusedSince?.getTime();
    const result = await store.prune({ all, dryRun, unusedSince: since, ...(signal === undefined ? {} : { signal }) });
    const ended = (await listContainers(store))
      .filter(isEnded)
      .filter(({ started }) => since === undefined || Date.parse(started) < since);
    const directories = ended.map(({ id }) => join(containersDirectory(store), id));
    const left = freedBytes(await accessOf(store).helper.usage(directories));
    if (!dryRun) {
      await accessOf(store).helper.remove(directories.map(keptDirectory));
      for (const directory of directories) await rm(directory, { recursive: true, force: true });
    }
    return { ...result, reclaimed: result.reclaimed + left, containers: ended.map(({ id }) => id) };
  });
}
