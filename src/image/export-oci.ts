import { createHash } from 'node:crypto';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { TbuildError } from '../errors.ts';
import { canonicalJson } from '../oci/canonical-json.ts';
import { mediaTypes } from '../oci/descriptor.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { digestFromHex, digestHex } from '../oci/digest.ts';
import { formatReference, parseReference } from '../oci/reference.ts';
import type { ImageRecord, Store } from '../store/types.ts';
import { writeArchive } from '../tar/archive-writer.ts';
import type { ArchiveEntry } from '../tar/archive-writer.ts';
import { countedArchive } from './counted.ts';
import type { OnExport } from './counted.ts';
import type { LayerAccess } from './layer-blob.ts';
import { imageBlobs } from './manifest.ts';
import type { ImageBlobs } from './manifest.ts';
import { readChunks } from './read-chunks.ts';

export interface ExportOciOptions extends LayerAccess {
  readonly image: ImageRecord;
  /** Given to the image in the archive's index, one entry each; none: an image without a name. */
  readonly names: readonly string[];
  readonly destination: Writable;
  readonly onExport?: OnExport | undefined;
}

/**
 * Writes an image as a tar of an OCI image layout and ends the destination. The same image always gives the same bytes: entries are sorted, times are 0.
 * Blobs are verified while they are read (TBUILD_STORE_CORRUPT).
 */
export async function exportOci(options: ExportOciOptions): Promise<ImageBlobs> {
  const { store, signal, destination, onExport } = options;
  const blobs = await imageBlobs(options, options.image);
  const index = layoutIndex(options.image, blobs, options.names);
  const entries = [...layoutEntries(store, blobs, index)];
  const sizes = entries.map((entry) => (entry.type === 'file' ? entry.size : 0));
  const tar = countedArchive(writeArchive(entries), sizes, onExport);
  await pipeline(tar, destination, ...(signal === undefined ? [] : [{ signal }]));
  return blobs;
}

/** `index.json` of a layout, as docker writes it. Pure. */
export function layoutIndex(image: ImageRecord, { manifest }: ImageBlobs, names: readonly string[]): Buffer {
  const { os, architecture, variant } = image.platform;
  const platform = { architecture, os, ...(variant === undefined ? {} : { variant }) };
  const { mediaType, digest, size } = manifest;
  const created = image.created === undefined ? {} : { 'org.opencontainers.image.created': image.created };
  const entry = (annotations: Readonly<Record<string, string>>): object => ({
    mediaType,
    digest,
    size,
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    platform,
  });
  const named = [...new Set(names.map((name) => formatReference(parseReference(name))))].map((name) =>
    entry({
      'io.containerd.image.name': name,
      ...created,
      'org.opencontainers.image.ref.name': parseReference(name).tag ?? 'latest',
    }),
  );
  const manifests = named.length === 0 ? [entry(created)] : named;
  return Buffer.from(canonicalJson({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests }));
}

function* layoutEntries(store: Store, blobs: ImageBlobs, index: Buffer): Generator<ArchiveEntry, void, undefined> {
  const all = new Map([blobs.manifest, blobs.config, ...blobs.layers].map((blob) => [blob.digest, blob]));
  yield { path: 'blobs', type: 'directory', mode: 0o755, mtime: 0 };
  yield { path: 'blobs/sha256', type: 'directory', mode: 0o755, mtime: 0 };
  for (const blob of [...all.values()].toSorted((a, b) => (a.digest < b.digest ? -1 : 1))) {
    const path = `blobs/sha256/${digestHex(blob.digest)}`;
    yield { path, type: 'file', mode: 0o444, mtime: 0, size: blob.size, content: readVerified(store, blob) };
  }
  yield { path: 'index.json', type: 'file', mode: 0o644, mtime: 0, size: index.length, content: index };
  const layout = Buffer.from('{"imageLayoutVersion":"1.0.0"}');
  yield { path: 'oci-layout', type: 'file', mode: 0o444, mtime: 0, size: layout.length, content: layout };
}

async function* readVerified(store: Store, { digest }: Descriptor): AsyncGenerator<Buffer, void, undefined> {
  const hash = createHash('sha256');
  for await (const chunk of readChunks(store.blobPath(digest))) {
    hash.update(chunk);
    yield chunk;
  }
  const actual = digestFromHex(hash.digest('hex'));
  if (actual === digest) return;
  throw new TbuildError('TBUILD_STORE_CORRUPT', `the blob ${digest} does not match its digest`, {
    hint: 'Remove the image, then pull or build it again.',
    details: { expected: digest, actual },
  });
}
