import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ImageRecord } from '../store/types.ts';
import { writeArchive } from '../tar/archive-writer.ts';
import { fileSizes, layoutEntries, storedBlob } from './archive/layout-entries.ts';
import { layoutIndex } from './archive/layout-index.ts';
import { countedArchive } from './counted.ts';
import type { OnExport } from './counted.ts';
import type { LayerAccess } from './layer-blob.ts';
import { imageBlobs } from './manifest.ts';
import type { ImageBlobs } from './manifest.ts';

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
  const { store, image, names, signal, destination, onExport } = options;
  const blobs = await imageBlobs(options, image);
  const { manifest, config, layers } = blobs;
  const stored = [manifest, config, ...layers].map((blob) => storedBlob(store, blob));
  const entries = layoutEntries(stored, { 'index.json': layoutIndex([{ image, manifest, names }]) });
  const tar = countedArchive(writeArchive(entries), fileSizes(entries), onExport);
  await pipeline(tar, destination, ...(signal === undefined ? [] : [{ signal }]));
  return blobs;
}
