import { TbuildError } from '../errors.ts';
import { maxConfigSize } from '../oci/config.ts';
import { isIndexMediaType } from '../oci/descriptor.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { digestHex, digestOf } from '../oci/digest.ts';
import type { Digest } from '../oci/digest.ts';
import { parseJsonObject } from '../oci/json.ts';
import { maxManifestSize, parseManifest } from '../oci/manifest.ts';
import type { Index } from '../oci/manifest.ts';
import { formatPlatform, hostPlatform, matchPlatform } from '../oci/platform.ts';
import type { Platform } from '../oci/platform.ts';
import type { ManifestSource } from './bring-in.ts';
import type { LayerBytes } from './layer-in.ts';

/** The files of an OCI image layout, wherever it is. */
export interface LayoutFiles {
  /** For messages. */
  readonly name: string;
  /** Throws when it is missing or over the limit (bytes). */
  read(path: string, limit: number): Promise<Buffer>;
  layerBytes(path: string): LayerBytes;
}

/** `index.json`, of a layout whose version is known. Throws TBUILD_UNSUPPORTED and TBUILD_MANIFEST. */
export async function readLayoutIndex(files: LayoutFiles): Promise<Index> {
  const { imageLayoutVersion } = parseJsonObject(await files.read('oci-layout', 4096), 'oci-layout');
  if (typeof imageLayoutVersion !== 'string' || !imageLayoutVersion.startsWith('1.')) {
    throw new TbuildError(
      'TBUILD_UNSUPPORTED',
      `${files.name}: OCI image layout version ${String(imageLayoutVersion)}`,
      { hint: 'Version 1 is read.' },
    );
  }
  const index = parseManifest(await files.read('index.json', maxManifestSize), undefined);
  if (index.kind === 'index') return index;
  throw new TbuildError('TBUILD_MANIFEST', `${files.name}: index.json is no index`);
}

/**
 * Manifest and config of an image of the layout; from an index the one for the platform. Undefined: this machine's, or the only one that there is.
 * Throws TBUILD_MANIFEST, TBUILD_PLATFORM_MISMATCH, TBUILD_DIGEST_MISMATCH.
 */
export async function openLayoutImage(
  files: LayoutFiles,
  top: Descriptor,
  platform: Platform | undefined,
): Promise<ManifestSource> {
  let descriptor = top;
  let bytes = await readBlob(files, descriptor, maxManifestSize);
  let manifest = parseManifest(bytes, descriptor.mediaType);
  for (let depth = 0; manifest.kind === 'index'; depth++) {
    if (depth === maxDepth) throw new TbuildError('TBUILD_MANIFEST', `${files.name}: indexes nested too deep`);
    descriptor = choosePlatform(files.name, manifest.manifests, platform);
    bytes = await readBlob(files, descriptor, maxManifestSize);
    manifest = parseManifest(bytes, descriptor.mediaType);
  }
  return {
    manifest: { mediaType: manifest.mediaType, digest: descriptor.digest, size: bytes.length },
    manifestBytes: bytes,
    configBytes: await readBlob(files, manifest.config, maxConfigSize),
    repoDigests: [],
    layerBytes: (blob) => files.layerBytes(blobPath(blob.digest)),
  };
}

const maxDepth = 4;

/** The one for the platform. Throws TBUILD_PLATFORM_MISMATCH. */
export function choosePlatform(
  name: string,
  manifests: readonly Descriptor[],
  platform: Platform | undefined,
): Descriptor {
  const images = manifests.filter(isImage);
  if (platform === undefined && images.length === 1 && images[0] !== undefined) return images[0];
  const found = matchPlatform(images, platform ?? hostPlatform());
  if (found !== undefined) return found;
  const offered = images.flatMap((each) =>
    each.platform === undefined || isIndexMediaType(each.mediaType) ? [] : formatPlatform(each.platform),
  );
  throw new TbuildError(
    'TBUILD_PLATFORM_MISMATCH',
    `${name} has no image for ${formatPlatform(platform ?? hostPlatform())}`,
    { hint: offered.length === 0 ? undefined : `It has ${[...new Set(offered)].join(', ').slice(0, 500)}.` },
  );
}

/** BuildKit puts what it attests beside the images, as manifests for `unknown/unknown`. */
export function isImage({ platform, annotations }: Descriptor): boolean {
  return platform?.os !== 'unknown' && annotations?.['vnd.docker.reference.type'] === undefined;
}

function blobPath(digest: Digest): string {
  return `blobs/sha256/${digestHex(digest)}`;
}

async function readBlob(files: LayoutFiles, { digest }: Descriptor, limit: number): Promise<Buffer> {
  const path = blobPath(digest);
  const bytes = await files.read(path, limit);
  const actual = digestOf(bytes);
  if (actual === digest) return bytes;
  throw new TbuildError('TBUILD_DIGEST_MISMATCH', `${files.name}: ${path} does not match its name`, {
    hint: 'It is broken or was tampered with.',
    details: { expected: digest, actual },
  });
}
