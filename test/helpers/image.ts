import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { expect } from 'vitest';
import { parseImageConfig } from '../../src/oci/config.ts';
import type { ImageConfig } from '../../src/oci/config.ts';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { parseManifest } from '../../src/oci/manifest.ts';
import type { Manifest } from '../../src/oci/manifest.ts';
import type { ImageRecord, Store } from '../../src/store/types.ts';
import { decompress } from '../../src/tar/decompress.ts';

/** An image of an OCI layout whose every digest was derived again. */
export interface ValidImage {
  readonly names: readonly string[];
  readonly descriptor: Descriptor;
  readonly manifest: Manifest;
  readonly config: ImageConfig;
  /** Uncompressed layer tars, bottom first. */
  readonly layers: readonly Buffer[];
}

/**
 * Checks an unpacked OCI layout against the image spec: every descriptor's digest and size, every diffID, history against layers, and that no blob is there without a reason.
 */
export function validateLayout(directory: string): readonly ValidImage[] {
  expect(JSON.parse(readFileSync(join(directory, 'oci-layout'), 'utf8'))).toEqual({ imageLayoutVersion: '1.0.0' });
  const index = parseManifest(readFileSync(join(directory, 'index.json')), undefined);
  if (index.kind !== 'index') throw new Error('index.json is no index');
  const used = new Set<string>();
  const blob = (descriptor: Descriptor): Buffer => {
    const bytes = readFileSync(join(directory, 'blobs', descriptor.digest.replace(':', '/')));
    expect(sha256(bytes), descriptor.digest).toBe(descriptor.digest);
    expect(bytes.length, descriptor.digest).toBe(descriptor.size);
    used.add(descriptor.digest.slice('sha256:'.length));
    return bytes;
  };
  const images = index.manifests.map((descriptor): ValidImage => {
    const manifest = parseManifest(blob(descriptor), descriptor.mediaType);
    if (manifest.kind !== 'manifest') throw new Error('a nested index');
    const config = parseImageConfig(blob(manifest.config));
    const layers = manifest.layers.map((layer) =>
      layer.mediaType.endsWith('gzip') ? gunzipSync(blob(layer)) : blob(layer),
    );
    expect(layers.map(sha256)).toEqual(config.rootfs.diff_ids);
    expect((config.history ?? []).filter((entry) => entry.empty_layer !== true)).toHaveLength(layers.length);
    if (descriptor.platform !== undefined) expect(descriptor.platform).toMatchObject(platformOf(config));
    const name = descriptor.annotations?.['io.containerd.image.name'];
    return { names: name === undefined ? [] : [name], descriptor, manifest, config, layers };
  });
  expect(readdirSync(join(directory, 'blobs/sha256')).toSorted()).toEqual([...used].toSorted());
  return images;
}

/** Checks an image in a store: record, config, chain, listings, and the blobs that are known. */
export async function validateStoredImage(store: Store, image: ImageRecord): Promise<ImageConfig> {
  const bytes = await store.readBlob(image.id);
  expect(sha256(bytes)).toBe(image.id);
  const config = parseImageConfig(bytes);
  expect(image.chain.map(({ diffId }) => diffId)).toEqual(config.rootfs.diff_ids);
  expect(image.platform).toMatchObject(platformOf(config));
  for (const { layer, diffId } of image.chain) {
    const info = await store.layerInfo(layer);
    expect(info?.id).toBe(layer);
    expect([...store.listing(layer).entries()]).toHaveLength(info?.entries ?? -1);
    const { blob } = (await store.findDiffId(diffId)) ?? {};
    if (blob === undefined || !(await store.hasBlob(blob.digest))) continue;
    const content = readFileSync(store.blobPath(blob.digest));
    expect(sha256(content)).toBe(blob.digest);
    expect(content.length).toBe(blob.size);
    expect(sha256(await unpacked(content))).toBe(diffId);
  }
  if (image.manifest !== undefined) {
    const manifest = parseManifest(await store.readBlob(image.manifest.digest), image.manifest.mediaType);
    expect(manifest).toMatchObject({ kind: 'manifest', config: { digest: image.id } });
  }
  return config;
}

async function unpacked(content: Buffer): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of decompress(Readable.from([content]))) parts.push(part);
  return Buffer.concat(parts);
}

function platformOf({ os, architecture }: ImageConfig): object {
  return { os, architecture };
}

function sha256(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
