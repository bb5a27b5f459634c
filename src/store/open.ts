import { resolve } from 'node:path';
import { loadAddon } from '../native/load.ts';
import { openCleanup } from '../util/cleanup.ts';
import { openBlobWriter } from './blob-writer.ts';
import { hasBlob, putBlob, readBlob } from './blobs.ts';
import { loadChecksum } from '../util/checksum.ts';
import type { StoreContext, VerifyLayer } from './context.ts';
import { findDiffId, putDiffId } from './diff-ids.ts';
import { holdLayers } from './held-layers.ts';
import { findImage, listImages, putImage, removeImage, tagImage, untagImage } from './images.ts';
import { createJob } from './job.ts';
import { openLayers } from './layers.ts';
import { openLeases } from './leases.ts';
import { openListings } from './listing.ts';
import { defaultRoot, prepareRoot } from './location.ts';
import { openLock } from './lock.ts';
import { storePaths } from './paths.ts';
import { addRecord, readRecords } from './records.ts';
import { measureOwnTrees, removeOwnTree } from './removal.ts';
import type { MeasureTrees, RemoveTree } from './removal.ts';
import { openSession } from './session.ts';
import { trackUnsynced } from './sync-mark.ts';
import { collectGarbage } from './trash.ts';
import type { LayerId, Store } from './types.ts';
import { readBytes, readValue, writeBytes, writeValue } from './values.ts';

export interface OpenStoreOptions {
  /** @default `$TBUILD_STORE`; without it `/var/lib/tbuild` as root and `$XDG_DATA_HOME/tbuild` (`~/.local/share/tbuild`) otherwise */
  readonly root?: string | undefined;
  /** Removes trees with files of mapped ids. It must work until the store is disposed. @default removes what this process owns */
  readonly removeTree?: RemoveTree | undefined;
  /** Measures them. @default what this process may look into */
  readonly measureTrees?: MeasureTrees | undefined;
  /** Asked about layers that a power cut may have torn. @default they count as absent */
  readonly verifyLayer?: VerifyLayer | undefined;
  /** Ends waiting for locks that other processes hold. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens the store, and makes it where there is none. Throws TBUILD_STORE_VERSION for one of another format, TBUILD_USAGE for a directory that is something else, TBUILD_IO.
 * What a fully cached build costs: opening 4 system calls, a record 3, the first lease 7 and each further one 4 (flock, append, one stat a layer, flock), disposal 4 (the lease file becomes the note of what was used).
 */
export async function openStore(options: OpenStoreOptions = {}): Promise<Store> {
  const { removeTree = removeOwnTree, verifyLayer, signal } = options;
  signal?.throwIfAborted();
  const paths = storePaths(options.root === undefined ? defaultRoot() : resolve(options.root));
  prepareRoot(paths.root);
  const addon = loadAddon();
  const checksum = await loadChecksum();
  let bootId: string | undefined;
  const context: StoreContext = {
    paths,
    addon,
    checksum,
    removeTree,
    measureTrees: options.measureTrees ?? measureOwnTrees,
    verifyLayer,
    gc: openLock(addon, paths.inside('gc.lock'), signal),
    recordsLock: openLock(addon, paths.inside('records.lock'), signal),
    leases: openLeases(addon, paths.inside('leases'), paths.inside('uses')),
    session: openSession(addon, paths.inside('tmp'), removeTree),
    unsynced: trackUnsynced(),
    bootId: () => (bootId ??= addon.probe().bootId),
  };
  const cleanup = openCleanup();
  cleanup.defer(() => context.gc.close());
  cleanup.defer(() => context.recordsLock.close());
  cleanup.defer(() => context.leases.close());
  cleanup.defer(() => context.session.close());
  return storeOf(context, cleanup);
}

function storeOf(context: StoreContext, cleanup: ReturnType<typeof openCleanup>): Store {
  const { paths, checksum, addon, removeTree } = context;
  const held = holdLayers();
  const directoryOf = (id: LayerId): string => held.directory(id) ?? paths.layer(id);
  const listing = openListings(directoryOf, checksum);
  const layers = openLayers(context, listing);
  let isSwept = false;
  /** Once, beside the first work: what it does not get removed is left to the next one, or to `prune`, which reports why. */
  const sweep = (): void => {
    if (isSwept) return;
    isSwept = true;
    const removal = removeGarbage().catch(() => undefined);
    cleanup.defer(() => removal);
  };
  const removeGarbage = async (): Promise<void> => {
    const garbage = collectGarbage(addon, paths.inside('tmp'));
    if (garbage.length > 0) await removeTree(garbage);
  };
  return {
    root: paths.root,
    async createJob() {
      const job = createJob(context, layers, held);
      sweep();
      return job;
    },
    lease: (ids) => layers.lease(ids),
    layerInfo: async (id) => layers.info(id),
    diffDirectory: (id) => `${directoryOf(id)}/diff`,
    listing,
    findDiffId: async (diffId) => findDiffId(context, diffId),
    putDiffId: async (diffId, info) => putDiffId(context, diffId, info),
    hasBlob: (digest) => hasBlob(context, digest),
    blobPath: (digest) => paths.blob(digest),
    readBlob: (digest) => readBlob(context, digest),
    putBlob: (content) => putBlob(context, content),
    blobWriter: (start) => openBlobWriter(context, start),
    readRecords: async (key) => readRecords(context, key),
    addRecord: (key, record, replaces) => addRecord(context, { key, record, replaces }),
    noteRecordUse: (key) => context.leases.noteRecord(key),
    allRecords: async () => (await import('./list.ts')).allRecords(context),
    valueNames: async (kind) => (await import('./list.ts')).valueNames(context, kind),
    readValue: async (kind, name) => readValue(context, kind, name),
    writeValue: async (kind, name, value) => writeValue(context, kind, [name, value]),
    readBytes: async (_kind, name) => readBytes(context, name),
    writeBytes: async (_kind, name, bytes) => writeBytes(context, name, bytes),
    useCacheMount: async (request) => (await import('./cache-mounts.ts')).useCacheMount(context, request),
    listCacheMounts: async () => (await import('./cache-mounts.ts')).listCacheMounts(context),
    findImage: async (nameOrId) => findImage(context, nameOrId),
    listImages: async () => listImages(context),
    putImage: (image) => putImage(context, image),
    tag: (id, names) => tagImage(context, { id, names, layers }),
    untag: (name) => untagImage(context, name),
    removeImage: (id) => removeImage(context, id),
    prune: async (options) => (await import('./prune.ts')).prune(context, options),
    [Symbol.asyncDispose]: () => cleanup[Symbol.asyncDispose](),
  };
}
