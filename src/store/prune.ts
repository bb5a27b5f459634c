import { readdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { isTbuildError } from '../errors.ts';
import { isDigest } from '../oci/digest.ts';
import type { Digest } from '../oci/digest.ts';
import { listCacheMounts, unusedCacheMounts } from './cache-mounts.ts';
import type { UnusedCacheMount } from './cache-mounts.ts';
import type { StoreContext } from './context.ts';
import { readSealedJson } from './guarded.ts';
import { listPartials, removePartial } from './partial-blobs.ts';
import { namesIn } from '../util/names-in.ts';
import { isHexId } from './paths.ts';
import { findReachable } from './reachable.ts';
import type { Reachable } from './reachable.ts';
import { writeRecords } from './records.ts';
import { freedBytes, usedBytes } from './removal.ts';
import { collectGarbage, discard, listGarbage as listTrash } from './trash.ts';
import type { LayerId, LayerInfo, PruneResult, UsageType } from './types.ts';
import { removeFile } from '../util/remove-file.ts';

export interface PruneOptions {
  readonly all?: boolean;
  readonly dryRun?: boolean;
  readonly unusedSince?: number | undefined;
  readonly type?: UsageType | undefined;
  readonly signal?: AbortSignal;
}

/**
 * Decides everything, removes files and renames trees into tmp/ under one exclusive hold of gc.lock; removes the trees after letting go of it.
 * Parsed Dockerfiles, stat indexes and reports of builds go when they were not used for 30 days.
 */
export async function prune(context: StoreContext, options: PruneOptions = {}): Promise<PruneResult> {
  const { gc, recordsLock, removeTree, measureTrees } = context;
  const { all = false, unusedSince, type } = options;
  options.signal?.throwIfAborted();
  const takesMounts = type === 'exec.cachemount' || (all && type === undefined);
  const sizes = takesMounts ? await cacheMountSizes(context) : undefined;
  const { garbage, trees, fileBytes } = await gc.run('exclusive', () =>
    recordsLock.runNow(() => {
      const reachable = type === 'exec.cachemount' ? undefined : findReachable(context, { all, unusedSince });
      const garbage = listGarbage(context, { reachable, unusedSince, sizes });
      const bytes = filesOf(context, garbage).reduce((sum, path) => sum + diskBytes(path), 0);
      const going = options.dryRun === true ? treesOf(context, garbage) : removeGarbage(context, garbage);
      return { garbage, trees: going, fileBytes: bytes };
    }),
  );
  // When it is aborted from here on, the trees are in tmp/ and go with the next one.
  options.signal?.throwIfAborted();
  // Out of sight: nobody makes or takes links any more.
  const reclaimed = fileBytes + freedBytes(await measureTrees(trees));
  if (trees.length > 0 && options.dryRun !== true) await removeTree(trees);
  return { ...toResult(garbage), reclaimed };
}

interface Garbage {
  readonly layers: readonly { readonly id: LayerId; readonly path: string; readonly size: number }[];
  readonly blobs: readonly { readonly digest: Digest; readonly path: string; readonly size: number }[];
  readonly partials: readonly { readonly digest: Digest; readonly path: string; readonly size: number }[];
  readonly oldValues: readonly { readonly path: string; readonly size: number }[];
  readonly mounts: readonly (UnusedCacheMount & { readonly size: number })[];
  readonly reachable: Pick<Reachable, 'danglingImages' | 'diffIds' | 'leases' | 'records'>;
}

type Sizes = ReadonlyMap<string, number>;

/** Measured before anything is decided, since a tree may be large and locks are held for moments only. */
async function cacheMountSizes(context: StoreContext): Promise<Sizes> {
  const sizes = new Map<string, number>();
  for (const { key, copies } of await listCacheMounts(context)) {
    const unused = copies.filter(({ inUse }) => !inUse).map(({ directory }) => dirname(directory));
    const going = unused.length === copies.length ? [context.paths.cacheMount(key)] : unused;
    sizes.set(key, usedBytes(await context.measureTrees(going)));
  }
  return sizes;
}

interface Limits {
  /** Undefined: nothing but cache mounts goes. */
  readonly reachable: Reachable | undefined;
  readonly unusedSince: number | undefined;
  /** Of cache mounts, where those go too. */
  readonly sizes: Sizes | undefined;
}

function listGarbage(context: StoreContext, { reachable, unusedSince, sizes }: Limits): Garbage {
  const mounts =
    sizes === undefined
      ? []
      : unusedCacheMounts(context, unusedSince).map((mount) => ({ ...mount, size: sizes.get(mount.key) ?? 0 }));
  if (reachable === undefined) {
    const nothing = { danglingImages: [], diffIds: [], leases: [], records: [] };
    return { layers: [], blobs: [], partials: [], oldValues: [], mounts, reachable: nothing };
  }
  const { paths } = context;
  return {
    layers: readdirSync(paths.inside('layers'))
      .filter((id) => isHexId(id) && !reachable.layers.has(id))
      .map((id) => ({ id, path: paths.layer(id), size: layerSize(context, id) })),
    blobs: readdirSync(paths.inside('blobs/sha256'))
      .map((hex) => `sha256:${hex}`)
      .filter((digest) => isDigest(digest))
      .filter((digest) => !reachable.blobs.has(digest))
      .map((digest) => ({ digest, path: paths.blob(digest), size: fileSize(paths.blob(digest)) })),
    partials: listPartials(context).filter(({ path }) => wasMadeBefore(path, unusedSince)),
    oldValues: listOldValues(context, unusedSince),
    mounts,
    reachable,
  };
}

/** Returns trees that are out of sight and to be removed. Images first: at no instant does one name what is gone. Works on a full disk. */
function removeGarbage(context: StoreContext, garbage: Garbage): readonly string[] {
  const { layers, blobs, partials, oldValues, mounts, reachable } = garbage;
  const { paths, addon } = context;
  const { danglingImages, diffIds, leases, records } = reachable;
  const files = [...danglingImages.map((id) => paths.image(id)), ...diffIds, ...leases];
  for (const path of [...files, ...[...blobs, ...oldValues].map((file) => file.path)]) removeFile(path);
  for (const { path } of partials) removePartial(addon, path);
  const tmp = paths.inside('tmp');
  for (const path of [...layers.map((layer) => layer.path), ...mounts.flatMap(({ paths: copies }) => copies)])
    discard(tmp, path);
  for (const { path, kept } of records) replaceRecords(context, path, kept);
  return collectGarbage(addon, tmp);
}

function replaceRecords(context: StoreContext, path: string, kept: readonly unknown[]): void {
  if (kept.length === 0) return removeFile(path);
  try {
    writeRecords(context, path, kept);
  } catch (error) {
    // A record whose layer is gone is a miss, no harm: the next prune drops it.
    if (!isTbuildError(error, 'TBUILD_IO') || error.details['errno'] !== 'ENOSPC') throw error;
  }
}

/** What goes at once, file by file. */
function filesOf({ paths }: StoreContext, { blobs, partials, oldValues, reachable }: Garbage): readonly string[] {
  const { danglingImages, diffIds, leases, records } = reachable;
  return [
    ...danglingImages.map((id) => paths.image(id)),
    ...diffIds,
    ...leases,
    ...[...blobs, ...partials, ...oldValues].map(({ path }) => path),
    ...records.filter(({ kept }) => kept.length === 0).map(({ path }) => path),
  ];
}

function treesOf({ addon, paths }: StoreContext, { layers, mounts }: Garbage): readonly string[] {
  return [
    ...layers.map(({ path }) => path),
    ...mounts.flatMap(({ paths: copies }) => copies),
    ...listTrash(addon, paths.inside('tmp')),
  ];
}

function diskBytes(path: string): number {
  return (statSync(path, { throwIfNoEntry: false })?.blocks ?? 0) * 512;
}

function toResult({ layers, blobs, partials, mounts, reachable }: Garbage): Omit<PruneResult, 'reclaimed'> {
  return {
    layers: layers.map(({ id, size }) => ({ id, size })),
    blobs: [...blobs, ...partials].map(({ digest, size }) => ({ digest, size })),
    records: reachable.records.reduce((total, { dropped }) => total + dropped, 0),
    images: reachable.danglingImages,
    mounts: mounts.map(({ key, id, size }) => ({ key, id, size })),
  };
}

const oldAgeMs = 30 * 24 * 60 * 60 * 1000;

function listOldValues({ paths }: StoreContext, unusedSince = Infinity): { path: string; size: number }[] {
  const limit = Math.min(Date.now() - oldAgeMs, unusedSince);
  return ['contexts', 'dockerfiles', 'builds', 'programs', 'uses'].flatMap((kind) =>
    namesIn(paths.inside(kind))
      .map((name) => paths.inside(kind, name))
      .map((path) => ({ path, stat: statSync(path, { throwIfNoEntry: false }) }))
      // Notes of use are read by every prune, the others by what needs them.
      .filter(({ stat }) => stat !== undefined && Math.max(kind === 'uses' ? 0 : stat.atimeMs, stat.mtimeMs) < limit)
      .map(({ path, stat }) => ({ path, size: stat?.size ?? 0 })),
  );
}

function wasMadeBefore(path: string, time: number | undefined): boolean {
  return time === undefined || (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) < time;
}

function layerSize({ paths, checksum }: StoreContext, id: LayerId): number {
  return (readSealedJson(paths.layerInfo(id), checksum) as LayerInfo | undefined)?.size ?? 0;
}

function fileSize(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
