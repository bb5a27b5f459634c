import { availableParallelism } from 'node:os';
import { canonicalJson } from '../oci/canonical-json.ts';
import { mediaTypes } from '../oci/descriptor.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { digestOf } from '../oci/digest.ts';
import { parseManifest } from '../oci/manifest.ts';
import type { ImageRecord } from '../store/types.ts';
import { eachInParallel } from './each-in-parallel.ts';
import { layerBlob } from './layer-blob.ts';
import type { OnExport } from './counted.ts';
import type { LayerAccess } from './layer-blob.ts';

/** An image as blobs, all of them in the store: what an archive or a registry gets. */
export interface ImageBlobs {
  readonly manifest: Descriptor;
  readonly config: Descriptor;
  /** Bottom first. */
  readonly layers: readonly Descriptor[];
}

/**
 * Turns an image into blobs: layers that have none yet are compressed, the manifest is written and remembered in the image's record. The same image in the same store gives the same manifest;
 * one that was pulled with an OCI manifest keeps that one.
 */
export async function imageBlobs(
  access: LayerAccess & { readonly onExport?: OnExport | undefined },
  image: ImageRecord,
): Promise<ImageBlobs> {
  const { store, signal, onExport } = access;
  const kept = await keptManifest(access, image);
  if (kept !== undefined) return kept;
  const [config, layers] = await Promise.all([
    configDescriptor(access, image),
    // The same layer may stand in an image more than once: it is compressed once.
    eachInParallel(
      [...new Map(image.chain.map((layer) => [layer.diffId, layer])).values()],
      { limit: availableParallelism(), signal },
      async (layer, aborted) =>
        [layer.diffId, await layerBlob({ ...access, signal: aborted }, layer, onExport)] as const,
    ),
  ]);
  const byDiffId = new Map(layers);
  const ordered = image.chain.flatMap(({ diffId }) => byDiffId.get(diffId) ?? []);
  const bytes = manifestBytes(config, ordered);
  const manifest: Descriptor = {
    mediaType: mediaTypes.ociManifest,
    digest: await store.putBlob(bytes),
    size: bytes.length,
  };
  if (image.manifest === undefined) await store.putImage({ ...image, manifest });
  return { manifest, config, layers: ordered };
}

/** An OCI image manifest. Pure. */
export function manifestBytes(config: Descriptor, layers: readonly Descriptor[]): Buffer {
  return Buffer.from(canonicalJson({ schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers }));
}

export async function configDescriptor({ store }: LayerAccess, image: ImageRecord): Promise<Descriptor> {
  const bytes = await store.readBlob(image.id);
  return { mediaType: mediaTypes.ociConfig, digest: digestOf(bytes), size: bytes.length };
}

/** The manifest that the image came with, or was exported with before; undefined where one of its blobs is gone. */
export async function keptManifest({ store }: LayerAccess, { manifest }: ImageRecord): Promise<ImageBlobs | undefined> {
  if (manifest?.mediaType !== mediaTypes.ociManifest || !(await store.hasBlob(manifest.digest))) return undefined;
  const document = parseManifest(await store.readBlob(manifest.digest), manifest.mediaType);
  if (document.kind !== 'manifest') return undefined;
  const { config, layers } = document;
  const present = await Promise.all([config, ...layers].map(({ digest }) => store.hasBlob(digest)));
  return present.every(Boolean) ? { manifest, config, layers } : undefined;
}
