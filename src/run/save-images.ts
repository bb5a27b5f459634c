import type { Writable } from 'node:stream';
import type { OnExport } from '../image/counted.ts';
import type { Platform } from '../oci/platform.ts';
import { accessOf, withStore } from '../rootfs/open-store.ts';
import type { Store } from '../store/types.ts';

export interface SaveOptions {
  /** Names or ids. A repository without a tag stands for all its tags; an id for the image without a name. */
  readonly images: readonly string[];
  /** A file, which appears when it is whole, or a stream, which is ended. */
  readonly destination: string | Writable;
  /** Refuses images for other platforms. */
  readonly platform?: Platform | undefined;
  readonly onProgress?: OnExport | undefined;
  readonly store?: Store | undefined;
  readonly storeRoot?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Writes images into one archive, as `docker save` does: docker, podman and tools for OCI layouts read it. */
export async function saveImages(options: SaveOptions): Promise<void> {
  const { store, storeRoot, signal } = options;
  await withStore({ store, root: storeRoot, signal }, async (open) => {
    const { images: asked, destination, platform, onProgress: onExport } = options;
    const { helper } = accessOf(open);
    const { selectImages } = await import('../image/archive/select-images.ts');
    const { saveImages: saveFrom } = await import('../image/archive/save.ts');
    const images = await selectImages(open, asked, platform);
    const save = (stream: Writable): Promise<void> =>
      saveFrom({ store: open, helper, signal, images, destination: stream, onExport });
    if (typeof destination !== 'string') return save(destination);
    const { writeWhole } = await import('../util/write-whole.ts');
    return writeWhole(destination, save);
  });
}
