import { readdirSync, rmSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { isDigest } from '../oci/digest.ts';
import type { Digest } from '../oci/digest.ts';
import type { StoreContext } from './context.ts';
import { readSealedJson } from './guarded.ts';
import { isHexId } from './paths.ts';
import { findReachable } from './reachable.ts';
import type { Reachable } from './reachable.ts';
import { writeRecords } from './records.ts';
import type { LayerId, LayerInfo, PruneResult } from './types.ts';

export interface PruneOptions {
  readonly all?: boolean;
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Decides everything and renames it into tmp/ under one exclusive hold of gc.lock (measured: about 40 ms for 1,000 records), removes the trees after letting go of it.
 * Parsed Dockerfiles, stat indexes and reports of builds go when they were not used for 30 days.
 */
export async function prune(context: StoreContext, options: PruneOptions = {}): Promise<PruneResult> {
  const { gc, recordsLock, removeTree } = context;
  options.signal?.throwIfAborted();
  const { result, trees, files } = await gc.run('exclusive', () =>
    recordsLock.runNow(() => {
      const garbage = listGarbage(context, findReachable(context, options.all ?? false));
      const discarded = options.dryRun === true ? { trees: [], files: [] } : discard(context, garbage);
      return { result: toResult(garbage), ...discarded };
    }),
  );
  // What is aborted from here on is in tmp/ and goes with this handle or a later one.
  options.signal?.throwIfAborted();
  for (const file of files) await rm(file, { force: true });
  options.signal?.throwIfAborted();
  if (trees.length > 0) await removeTree(trees);
  return result;
}

interface Garbage {
  readonly layers: readonly { readonly id: LayerId; readonly path: string; readonly size: number }[];
  readonly blobs: readonly { readonly digest: Digest; readonly path: string; readonly size: number }[];
  readonly oldValues: readonly { readonly path: string; readonly size: number }[];
  readonly reachable: Reachable;
}

function listGarbage(context: StoreContext, reachable: Reachable): Garbage {
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
    oldValues: listOldValues(context),
    reachable,
  };
}

/** What the small files say goes first: at no instant do they name what is gone already. */
function discard(context: StoreContext, garbage: Garbage): { trees: readonly string[]; files: readonly string[] } {
  const { session, paths } = context;
  const { reachable } = garbage;
  for (const id of reachable.danglingImages) rmSync(paths.image(id), { force: true });
  for (const { path, kept } of reachable.records) {
    if (kept.length === 0) rmSync(path, { force: true });
    else writeRecords(context, path, kept);
  }
  for (const path of [...reachable.diffIds, ...reachable.leases]) rmSync(path, { force: true });
  const files = [...garbage.blobs, ...garbage.oldValues].map(({ path }) => session.discard(path));
  const trees = [...garbage.layers.map(({ path }) => session.discard(path)), ...session.collectGarbage()];
  return {
    trees: trees.filter((path) => path !== undefined),
    files: files.filter((path) => path !== undefined),
  };
}

function toResult({ layers, blobs, oldValues, reachable }: Garbage): PruneResult {
  const reclaimed = [...layers, ...blobs, ...oldValues].reduce((total, { size }) => total + size, 0);
  return {
    layers: layers.map(({ id, size }) => ({ id, size })),
    blobs: blobs.map(({ digest, size }) => ({ digest, size })),
    records: reachable.records.reduce((total, { dropped }) => total + dropped, 0),
    images: reachable.danglingImages,
    reclaimed,
  };
}

const oldAgeMs = 30 * 24 * 60 * 60 * 1000;

function listOldValues({ paths }: StoreContext): { path: string; size: number }[] {
  const limit = Date.now() - oldAgeMs;
  return ['contexts', 'dockerfiles', 'builds'].flatMap((kind) =>
    readdirSync(paths.inside(kind))
      .map((name) => paths.inside(kind, name))
      .map((path) => ({ path, stat: statSync(path, { throwIfNoEntry: false }) }))
      .filter(({ stat }) => stat !== undefined && Math.max(stat.atimeMs, stat.mtimeMs) < limit)
      .map(({ path, stat }) => ({ path, size: stat?.size ?? 0 })),
  );
}

function layerSize({ paths, checksum }: StoreContext, id: LayerId): number {
  return (readSealedJson(paths.layerInfo(id), checksum) as LayerInfo | undefined)?.size ?? 0;
}

function fileSize(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
