import { TbuildError } from '../errors.ts';
import {
  isConfigMediaType,
  isIndexMediaType,
  isManifestMediaType,
  layerCompression,
  mediaTypes,
} from './descriptor.ts';
import type { Descriptor } from './descriptor.ts';
import { parseDigest } from './digest.ts';
import { arrayOf, integerOf, malformed, objectOf, parseJsonObject, stringMapOf, stringOf, stringsOf } from './json.ts';
import type { JsonObject } from './json.ts';
import { platformOf } from './platform.ts';

/** An image manifest whose layers tbuild can read. */
export interface Manifest {
  readonly kind: 'manifest';
  readonly mediaType: string;
  readonly config: Descriptor;
  /** Bottom first. */
  readonly layers: readonly Descriptor[];
  readonly annotations: Readonly<Record<string, string>>;
}

/** A list of manifests, one for each platform. */
export interface Index {
  readonly kind: 'index';
  readonly mediaType: string;
  readonly manifests: readonly Descriptor[];
  readonly annotations: Readonly<Record<string, string>>;
}

/** No manifest or index is read beyond this (bytes). */
export const maxManifestSize: number = 4 * 1024 * 1024;

/**
 * Reads and checks a manifest or index.
 * @param mediaType what the descriptor or the Content-Type header says that the bytes are; the document must agree (CVE-2021-41190). Undefined or a generic type: the document's own word.
 * Throws TBUILD_MANIFEST, and TBUILD_UNSUPPORTED for schema 1, artifacts and layer types that are not read.
 */
export function parseManifest(bytes: Uint8Array, mediaType: string | undefined): Manifest | Index {
  if (bytes.length > maxManifestSize) throw refuse(`a manifest of ${bytes.length} bytes is over the 4 MiB limit`);
  const document = parseJsonObject(bytes, 'manifest');
  const type = documentType(document, mediaType);
  if ('layers' in document && 'manifests' in document) {
    throw refuse('the document claims to be both a manifest and an index', 'See CVE-2021-41190: ask the publisher.');
  }
  if (document['schemaVersion'] !== 2) throw malformed('manifest.schemaVersion', '2', document['schemaVersion']);
  return isIndexMediaType(type) ? indexOf(document, type) : manifestOf(document, type);
}

/** One descriptor of a JSON document. */
export function parseDescriptor(value: unknown, what: string): Descriptor {
  const { mediaType, digest, size, platform, annotations, urls } = objectOf(value, what);
  const bytes = integerOf(size, `${what}.size`);
  if (bytes < 0) throw malformed(`${what}.size`, 'a number of bytes', size);
  return {
    mediaType: stringOf(mediaType, `${what}.mediaType`),
    digest: parseDigest(digest, what),
    size: bytes,
    ...(isAbsent(platform) ? {} : { platform: platformOf(platform, `${what}.platform`) }),
    ...(isAbsent(annotations) ? {} : { annotations: stringMapOf(annotations, `${what}.annotations`) }),
    ...(isAbsent(urls) ? {} : { urls: stringsOf(urls, `${what}.urls`) }),
  };
}

function manifestOf(document: JsonObject, mediaType: string): Manifest {
  const config = parseDescriptor(document['config'], 'manifest.config');
  if (!isConfigMediaType(config.mediaType)) {
    throw new TbuildError(
      'TBUILD_UNSUPPORTED',
      `not a container image but an artifact of type ${shown(config.mediaType)}`,
    );
  }
  // docker writes null for an image without layers.
  const layers = arrayOf(document['layers'] === null ? [] : document['layers'], 'manifest.layers').map((layer, index) =>
    checkLayer(parseDescriptor(layer, `manifest.layers[${index}]`)),
  );
  return { kind: 'manifest', mediaType, config, layers, annotations: annotationsOf(document) };
}

function indexOf(document: JsonObject, mediaType: string): Index {
  const manifests = arrayOf(document['manifests'], 'index.manifests').map((each, position) =>
    parseDescriptor(each, `index.manifests[${position}]`),
  );
  return { kind: 'index', mediaType, manifests, annotations: annotationsOf(document) };
}

function checkLayer(layer: Descriptor): Descriptor {
  if (layerCompression(layer.mediaType) === undefined) {
    throw new TbuildError(
      'TBUILD_UNSUPPORTED',
      `layer ${layer.digest}: media type ${shown(layer.mediaType)} is not read`,
      {
        hint: 'Layers must be tar, tar+gzip or tar+zstd.',
      },
    );
  }
  if (layer.urls !== undefined && layer.urls.length > 0) {
    throw new TbuildError('TBUILD_UNSUPPORTED', `layer ${layer.digest} is foreign: its content is elsewhere`, {
      hint: 'Layers that are fetched from other URLs are not supported.',
    });
  }
  return layer;
}

const genericTypes: readonly string[] = ['application/json', 'application/octet-stream', 'text/plain'];

function documentType(document: JsonObject, expected: string | undefined): string {
  const own = isAbsent(document['mediaType']) ? undefined : stringOf(document['mediaType'], 'manifest.mediaType');
  const schemaOne = [own, expected].some((type) => type?.startsWith('application/vnd.docker.distribution.manifest.v1'));
  if (document['schemaVersion'] === 1 || schemaOne) {
    throw new TbuildError('TBUILD_UNSUPPORTED', 'the image has a schema 1 manifest, which docker dropped as well', {
      hint: 'Push the image again with a current docker to convert it.',
    });
  }
  const outer = expected !== undefined && !genericTypes.includes(expected) ? expected : undefined;
  if (own !== undefined && outer !== undefined && own !== outer) {
    throw refuse(`the document says that it is ${shown(own)}, but was announced as ${shown(outer)}`);
  }
  const type = own ?? outer ?? (Array.isArray(document['manifests']) ? mediaTypes.ociIndex : mediaTypes.ociManifest);
  if (isIndexMediaType(type) || isManifestMediaType(type)) return type;
  throw refuse(`${shown(type)} is neither a manifest nor an index`);
}

function annotationsOf(document: JsonObject): Readonly<Record<string, string>> {
  return isAbsent(document['annotations']) ? {} : stringMapOf(document['annotations'], 'manifest.annotations');
}

/** Go leaves out what is empty or writes null. */
function isAbsent(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}

function shown(mediaType: string): string {
  return JSON.stringify(mediaType.slice(0, 200));
}

function refuse(message: string, hint?: string): TbuildError {
  return new TbuildError('TBUILD_MANIFEST', message, { hint });
}
