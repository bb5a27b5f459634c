import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { directory, file, symlink } from '../../../../fixtures/layers/layer-case.ts';
import { tarOf } from '../../../../fixtures/layers/tar-bytes.ts';
import type { TarRecipe } from '../../../../fixtures/layers/tar-bytes.ts';

/** An image for an archive: layer tars (bottom first), and what the config says. */
export interface Made {
  readonly layers: readonly Buffer[];
  readonly names?: readonly string[];
  readonly architecture?: string;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly diffIds?: readonly string[];
}

export function hexOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

export function configOf({ layers, architecture = 'amd64', config = {}, diffIds }: Made): Buffer {
  return json({
    architecture,
    os: 'linux',
    created: '2020-01-02T03:04:05Z',
    config,
    rootfs: { type: 'layers', diff_ids: diffIds ?? layers.map((tar) => `sha256:${hexOf(tar)}`) },
    history: layers.map((_, index) => ({ created: '2020-01-02T03:04:05Z', created_by: `layer ${index}` })),
  });
}

export const idOf = (made: Made): string => `sha256:${hexOf(configOf(made))}`;

/**
 * The files of a docker-archive. `docker`: as docker before 25 wrote it, a directory for each layer, a layer that comes again being a link to the first; `podman`: named by digests, directories full
 * of links beside them; `blobs`: as docker writes it now.
 */
export function dockerFiles(style: 'docker' | 'podman' | 'blobs', images: readonly Made[]): readonly TarRecipe[] {
  const files = new Map<string, TarRecipe>();
  const put = (recipe: TarRecipe): string => {
    if (!files.has(String(recipe.name))) files.set(String(recipe.name), recipe);
    return String(recipe.name);
  };
  const places = new Map<string, string>();
  let count = 0;
  const layerPath = (tar: Buffer): string => {
    const hex = hexOf(tar);
    if (style === 'blobs') return put({ name: `blobs/sha256/${hex}`, content: tar });
    if (style === 'podman') {
      put({ name: `${hex}.tar`, content: tar });
      put(symlink(`${hexOf(Buffer.from(hex))}/layer.tar`, `../${hex}.tar`));
      return `${hex}.tar`;
    }
    const id = hexOf(Buffer.from(`layer ${count++}`));
    put(directory(`${id}/`));
    put(file(`${id}/VERSION`, '1.0'));
    const known = places.get(hex);
    if (known !== undefined) return put(symlink(`${id}/layer.tar`, `../${known}/layer.tar`));
    places.set(hex, id);
    return put({ name: `${id}/layer.tar`, content: tar });
  };
  const entries = images.map((image) => {
    const config = configOf(image);
    const hex = hexOf(config);
    const Config = put({ name: style === 'blobs' ? `blobs/sha256/${hex}` : `${hex}.json`, content: config });
    return { Config, RepoTags: image.names ?? null, Layers: image.layers.map(layerPath) };
  });
  return [...files.values(), { name: 'manifest.json', content: json(entries) }];
}

export interface LayoutMade extends Made {
  /** What the bytes of a layer become. @default gzip */
  readonly pack?: (tar: Buffer) => { readonly mediaType: string; readonly bytes: Buffer };
}

interface Entry {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly [member: string]: unknown;
}

/** Blobs and documents of an OCI layout on their way into a tar. */
export interface LayoutMaker {
  blob(bytes: Buffer, mediaType: string): Entry;
  image(made: LayoutMade): Entry;
  index(manifests: readonly object[]): Entry;
  files(manifests: readonly object[]): readonly TarRecipe[];
}

export const types = {
  layer: 'application/vnd.oci.image.layer.v1.tar',
  gzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  zstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  config: 'application/vnd.oci.image.config.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
} as const;

export function layoutMaker(): LayoutMaker {
  const blobs = new Map<string, TarRecipe>();
  const blob = (bytes: Buffer, mediaType: string): Entry => {
    const hex = hexOf(bytes);
    blobs.set(hex, { name: `blobs/sha256/${hex}`, content: bytes });
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
  };
  const indexBytes = (manifests: readonly object[]): Buffer =>
    json({ schemaVersion: 2, mediaType: types.index, manifests });
  return {
    blob,
    image(made) {
      const { pack = (tar: Buffer) => ({ mediaType: types.gzip, bytes: gzipSync(tar) }) } = made;
      const layers = made.layers.map((tar) => {
        const { mediaType, bytes } = pack(tar);
        return blob(bytes, mediaType);
      });
      const config = blob(configOf(made), types.config);
      return blob(json({ schemaVersion: 2, mediaType: types.manifest, config, layers }), types.manifest);
    },
    index: (manifests) => blob(indexBytes(manifests), types.index),
    files: (manifests) => [
      { name: 'oci-layout', content: '{"imageLayoutVersion":"1.0.0"}' },
      { name: 'index.json', content: indexBytes(manifests) },
      ...blobs.values(),
    ],
  };
}

/** An index entry with a name, as containerd and BuildKit write it. */
export function named(entry: Entry, name: string): Entry {
  const annotations = { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': 'latest' };
  return { ...entry, annotations };
}

export function forPlatform(entry: Entry, architecture: string, os = 'linux'): Entry {
  return { ...entry, platform: { os, architecture } };
}

export function archiveOf(files: readonly TarRecipe[]): Buffer {
  return tarOf(...files);
}

/** A zstd frame of one block that is stored as it is: needs no program. RFC 8878, 3.1.1. */
export function storedZstd(content: Buffer): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt32LE(0xfd2fb528, 0);
  // Single segment, with a content size of 4 bytes.
  header.writeUInt8(0xa0, 4);
  header.writeUInt32LE(content.length, 5);
  // The last block, raw.
  header.writeUIntLE((content.length << 3) | 1, 9, 3);
  return Buffer.concat([header, content]);
}
