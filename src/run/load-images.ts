import type { LayerProgress } from '../image/fetch-layers.ts';
import type { Platform } from '../oci/platform.ts';
import { accessOf, withStore } from '../rootfs/open-store.ts';
import type { ImageRecord, Store } from '../store/types.ts';

export interface LoadOptions {
  /** Path of an archive, or its bytes: of `docker save`, `podman save`, an OCI layout in a tar; plain, or compressed with gzip, zstd, xz or bzip2. */
  readonly source: string | AsyncIterable<Uint8Array>;
  /** Which one of an image for several platforms. Archives without an image for it are refused. @default the machine's, or the only one that there is */
  readonly platform?: Platform | undefined;
  readonly onProgress?: ((progress: LayerProgress) => void) | undefined;
  readonly store?: Store | undefined;
  readonly storeRoot?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface LoadResult {
  /** In the archive's order, each with the names that it had there and that point to it now. */
  readonly images: readonly { readonly image: ImageRecord; readonly names: readonly string[] }[];
  /** Device nodes that only root can make, and that were therefore left out. */
  readonly omitted: readonly string[];
}

/** Brings the images of an archive into the store, as `docker load` does: all of them, or none gets a name. */
export async function loadImages(options: LoadOptions): Promise<LoadResult> {
  const { store, storeRoot, signal } = options;
  return withStore({ store, root: storeRoot, signal }, async (open) => {
    const { source, platform, onProgress } = options;
    const { helper } = accessOf(open);
    const { loadImages: loadInto } = await import('../image/archive/load.ts');
    const loaded = await loadInto({ store: open, helper, signal, origin: source, platform, onProgress });
    const omitted = loaded.omissions.filter(({ what }) => what === 'device').map(({ path }) => path);
    return { images: loaded.images, omitted };
  });
}
