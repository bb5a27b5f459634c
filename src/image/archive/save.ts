import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { canonicalJson } from '../../oci/canonical-json.ts';
import { mediaTypes } from '../../oci/descriptor.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import { digestHex, digestOf } from '../../oci/digest.ts';
import { familiarReference, familiarRepository, parseReference } from '../../oci/reference.ts';
import type { ChainLayer, ImageRecord } from '../../store/types.ts';
import { writeArchive } from '../../tar/archive-writer.ts';
import { countedArchive } from '../counted.ts';
import type { OnExport } from '../counted.ts';
import { canonicalTar, layerBlob } from '../layer-blob.ts';
import type { LayerAccess } from '../layer-blob.ts';
import { configDescriptor, keptManifest, manifestBytes } from '../manifest.ts';
import { fileSizes, layoutEntries, storedBlob } from './layout-entries.ts';
import type { ArchiveBlob } from './layout-entries.ts';
import { layoutIndex } from './layout-index.ts';

/** An image, and the names that it has in an archive. */
export interface SavedImage {
  readonly image: ImageRecord;
  /** Normalised. */
  readonly names: readonly string[];
}

export interface SaveOptions extends LayerAccess {
  readonly images: readonly SavedImage[];
  readonly destination: Writable;
  readonly onExport?: OnExport | undefined;
}

/**
 * Writes images as one archive and ends the destination: what `docker save` makes, an OCI layout that also has `manifest.json` and `repositories`, so that docker, podman, skopeo and OCI tools read it.
 * An image with a known manifest (pulled, loaded, exported before) keeps it. Of the others the layers that steps made go as plain tars: nothing is compressed, as with docker.
 * Throws TBUILD_STORE_CORRUPT for what is not as its digest says.
 */
export async function saveImages(options: SaveOptions): Promise<void> {
  const { images, destination, signal, onExport } = options;
  const saved: PackedImage[] = [];
  for (const { image, names } of images) saved.push({ ...(await packedImage(options, image)), image, names });
  const entries = layoutEntries(
    saved.flatMap(({ blobs }) => blobs),
    {
      'index.json': layoutIndex(saved),
      'manifest.json': dockerManifest(saved),
      ...(saved.some(({ names }) => names.length > 0) ? { repositories: repositories(saved) } : {}),
    },
  );
  const tar = countedArchive(writeArchive(entries), fileSizes(entries), onExport);
  await pipeline(tar, destination, ...(signal === undefined ? [] : [{ signal }]));
}

interface PackedBlobs {
  readonly manifest: Descriptor;
  readonly config: Descriptor;
  /** Bottom first. */
  readonly layers: readonly Descriptor[];
  /** All of these. */
  readonly blobs: readonly ArchiveBlob[];
}

type PackedImage = PackedBlobs & SavedImage;

async function packedImage(access: LayerAccess, image: ImageRecord): Promise<PackedBlobs> {
  const kept = await keptManifest(access, image);
  if (kept !== undefined) {
    const { manifest, config, layers } = kept;
    return { ...kept, blobs: [manifest, config, ...layers].map((blob) => storedBlob(access.store, blob)) };
  }
  const config = await configDescriptor(access, image);
  const packed: ArchiveBlob[] = [];
  for (const layer of image.chain) packed.push(await packedLayer(access, layer));
  const layers = packed.map(({ descriptor }) => descriptor);
  const content = manifestBytes(config, layers);
  const manifest = { mediaType: mediaTypes.ociManifest, digest: digestOf(content), size: content.length };
  const blobs = [{ descriptor: manifest, content }, storedBlob(access.store, config), ...packed];
  return { manifest, config, layers, blobs };
}

async function packedLayer(access: LayerAccess, layer: ChainLayer): Promise<ArchiveBlob> {
  const info = await access.store.layerInfo(layer.layer);
  // Of a layer that arrived, the tar that it arrived as is the only one with its diffID.
  if (info?.diffId !== layer.diffId || info.tarSize === undefined) {
    return storedBlob(access.store, await layerBlob(access, layer));
  }
  const descriptor = { mediaType: mediaTypes.ociLayer, digest: layer.diffId, size: info.tarSize };
  return { descriptor, content: canonicalTar(access, layer) };
}

/** docker's `manifest.json`. */
function dockerManifest(images: readonly PackedImage[]): Buffer {
  const path = ({ digest }: Descriptor): string => `blobs/sha256/${digestHex(digest)}`;
  const entries = images.map(({ config, layers, names }) => ({
    Config: path(config),
    RepoTags: names.length === 0 ? null : names.map((name) => familiarReference(parseReference(name))),
    Layers: layers.map(path),
  }));
  return Buffer.from(JSON.stringify(entries));
}

/** What came before `manifest.json`: repository → tag → topmost layer. */
function repositories(images: readonly PackedImage[]): Buffer {
  // Names are whatever people chose, `constructor` and `__proto__` included.
  const byRepository = new Map<string, Map<string, string>>();
  for (const { names, layers } of images) {
    const top = layers.at(-1);
    if (top === undefined) continue;
    for (const reference of names.map(parseReference)) {
      const repository = familiarRepository(reference);
      const tags = byRepository.get(repository) ?? new Map<string, string>();
      byRepository.set(repository, tags.set(reference.tag ?? 'latest', digestHex(top.digest)));
    }
  }
  const plain = [...byRepository].map(([repository, tags]) => [repository, Object.fromEntries(tags)] as const);
  return Buffer.from(canonicalJson(Object.fromEntries(plain)));
}
