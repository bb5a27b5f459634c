import { TbuildError } from '../errors.ts';
import { parseImageConfig } from '../oci/config.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { digestOf } from '../oci/digest.ts';
import { parseManifest } from '../oci/manifest.ts';
import { normalizePlatform } from '../oci/platform.ts';
import type { ImageRecord } from '../store/types.ts';
import type { Omission } from '../tar/layer-entries.ts';
import { chainSize } from './assemble.ts';
import { fetchLayers } from './fetch-layers.ts';
import type { LayerProgress, SourceLayer } from './fetch-layers.ts';
import type { LayerAccess } from './layer-blob.ts';
import type { LayerBytes } from './layer-in.ts';

/** An image that is somewhere else, with a manifest: in a registry, in an OCI layout. */
export interface ManifestSource {
  readonly manifest: Descriptor;
  /** Checked against the descriptor here once more. */
  readonly manifestBytes: Buffer;
  readonly configBytes: Buffer;
  /** `docker.io/library/debian@sha256:…`; none for what came from no registry. */
  readonly repoDigests: readonly string[];
  readonly layerBytes: (blob: Descriptor) => LayerBytes;
}

/** One without: in an archive of docker's. */
export interface PlainSource {
  readonly manifest: undefined;
  readonly configBytes: Buffer;
  /** Bottom first. */
  readonly layers: readonly SourceLayer[];
}

export type ImageSource = ManifestSource | PlainSource;

export interface BroughtIn {
  readonly image: ImageRecord;
  /** What of the layers could not be made here: device nodes for an ordinary user, foreign extended attributes. */
  readonly omissions: readonly Omission[];
}

/**
 * Brings an image into the store: its layers unpacked, its manifest and config as blobs, its record without a name. Throws TBUILD_MANIFEST, TBUILD_DIGEST_MISMATCH and what unpacking throws;
 * the record is written last, so that there never is an image without all its layers.
 */
export async function bringIn(
  access: LayerAccess,
  source: ImageSource,
  onProgress?: (progress: LayerProgress) => void,
): Promise<BroughtIn> {
  const { store } = access;
  const { manifest, configBytes } = source;
  const layers = source.manifest === undefined ? source.layers : layersOfManifest(source);
  const config = parseImageConfig(configBytes);
  const diffIds = config.rootfs.diff_ids;
  const { chain, omissions } = await fetchLayers(access, { layers, diffIds, onProgress });
  const id = await store.putBlob(configBytes);
  if (source.manifest !== undefined) await store.putBlob(source.manifestBytes);
  const known = (await store.findImage(id))?.image;
  const image: ImageRecord = {
    id,
    platform: normalizePlatform(config),
    chain,
    created: config.created,
    size: await chainSize(store, chain),
    repoDigests: [...new Set([...(known?.repoDigests ?? []), ...repoDigestsOf(source)])],
    manifest: manifest ?? known?.manifest,
    parentBuild: known?.parentBuild,
  };
  await store.putImage(image);
  return { image, omissions };
}

function layersOfManifest(source: ManifestSource): readonly SourceLayer[] {
  const { manifest, manifestBytes, configBytes, layerBytes } = source;
  checkDigest('manifest', manifest, manifestBytes);
  const document = parseManifest(manifestBytes, manifest.mediaType);
  if (document.kind !== 'manifest') throw new TypeError('the source gave an index in place of a manifest');
  checkDigest('config', document.config, configBytes);
  return document.layers.map((blob) => ({ blob, size: blob.size, bytes: layerBytes(blob) }));
}

function repoDigestsOf(source: ImageSource): readonly string[] {
  return source.manifest === undefined ? [] : source.repoDigests;
}

function checkDigest(what: string, { digest, size }: Descriptor, bytes: Buffer): void {
  const actual = digestOf(bytes);
  if (actual === digest && bytes.length === size) return;
  throw new TbuildError(
    'TBUILD_DIGEST_MISMATCH',
    `the ${what} is not what its descriptor says: expected ${digest} (${size} bytes), got ${actual} (${bytes.length} bytes)`,
    { hint: 'The source is broken or was tampered with.', details: { expected: digest, actual } },
  );
}
