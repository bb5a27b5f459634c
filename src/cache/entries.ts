import { familiarReference, parseReference } from '../oci/reference.ts';
import { listLayerIds } from '../store/layer-ids.ts';
import type { LayerInfo, Store } from '../store/types.ts';

/** A layer in the store, as `cache ls` shows it. */
export interface CacheEntry extends LayerInfo {
  readonly layer: string;
  /** What the step changed can be listed here. */
  readonly directory: string;
  /** Names (or ids) of the images that have it. */
  readonly images: readonly string[];
}

/** All layers, newest first. */
export async function cacheEntries(store: Store): Promise<readonly CacheEntry[]> {
  const images = await store.listImages();
  const ids = await listLayerIds(store.root);
  const infos = await Promise.all(ids.map((id) => store.layerInfo(id)));
  const entries = infos
    .filter((info) => info !== undefined)
    .map((info): CacheEntry => {
      const users = images.filter(({ image }) => image.chain.some(({ layer }) => layer === info.id));
      const names = users.map(({ name, image }) =>
        name === undefined ? image.id.slice(7, 19) : familiarReference(parseReference(name)),
      );
      return { ...info, layer: info.id, directory: store.diffDirectory(info.id), images: [...new Set(names)] };
    });
  return entries.sort((a, b) => b.created - a.created);
}
