import { TbuildError } from '../../errors.ts';
import { maxConfigSize } from '../../oci/config.ts';
import { mediaTypes } from '../../oci/descriptor.ts';
import { digestOf } from '../../oci/digest.ts';
import type { Digest } from '../../oci/digest.ts';
import { arrayOf, objectOf, parseJson, stringOf, stringsOf } from '../../oci/json.ts';
import { maxManifestSize } from '../../oci/manifest.ts';
import type { PlainSource } from '../bring-in.ts';
import type { SourceLayer } from '../fetch-layers.ts';
import type { Archive } from './archive.ts';
import type { FoundImage } from './found-image.ts';

/**
 * The images of docker's own form of archive: `manifest.json` names a config and the layers of each (https://github.com/moby/docker-image-spec, "Combined Image JSON + Filesystem Changeset Format").
 * Where a path is a digest, the content must match it.
 */
export async function dockerImages(archive: Archive): Promise<readonly FoundImage[]> {
  const value = parseJson(await archive.read('manifest.json', maxManifestSize), 'manifest.json');
  const images: FoundImage[] = [];
  for (const [index, entry] of arrayOf(value, 'manifest.json').entries()) {
    images.push(await dockerImage(archive, entry, `manifest.json[${index}]`));
  }
  return images;
}

async function dockerImage(archive: Archive, entry: unknown, what: string): Promise<FoundImage> {
  const { Config: config, RepoTags: tags, Layers: layers } = objectOf(entry, what);
  const path = stringOf(config, `${what}.Config`);
  const configBytes = await archive.read(path, maxConfigSize);
  const named = digestInPath(path);
  const id = digestOf(configBytes);
  if (named !== undefined && named !== id) {
    throw new TbuildError('TBUILD_DIGEST_MISMATCH', `the archive's ${path} does not match its name`, {
      hint: 'The archive is broken or was tampered with.',
      details: { expected: named, actual: id },
    });
  }
  const paths = isAbsent(layers) ? [] : stringsOf(layers, `${what}.Layers`);
  const source: PlainSource = {
    manifest: undefined,
    configBytes,
    layers: paths.map((each) => sourceLayer(archive, each)),
  };
  return { source, names: isAbsent(tags) ? [] : stringsOf(tags, `${what}.RepoTags`) };
}

/** Of `blobs/sha256/<hex>` and `<hex>.json`. A `<hex>.tar` may be named by the diffID, whatever it is compressed with. */
function digestInPath(path: string): Digest | undefined {
  const hex = /^(?:blobs\/sha256\/([0-9a-f]{64})|([0-9a-f]{64})\.json)$/.exec(path);
  return hex === null ? undefined : `sha256:${hex[1] ?? hex[2] ?? ''}`;
}

function sourceLayer(archive: Archive, path: string): SourceLayer {
  const size = archive.size(path);
  const digest = digestInPath(path);
  // Which type it is, its first bytes tell.
  const blob = digest === undefined ? undefined : { mediaType: mediaTypes.ociLayer, digest, size };
  return { blob, size, bytes: archive.bytes(path) };
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}
