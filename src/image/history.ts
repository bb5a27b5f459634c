import type { HistoryEntry } from '../oci/config.ts';
import type { Digest } from '../oci/digest.ts';
import type { ChainLayer, LayerId, Store } from '../store/types.ts';
import { readImageConfig, requireImage } from './read-image.ts';

/** One row of `docker history`. */
export interface HistoryRow {
  /** The image's id in the newest row; the other rows are no images of their own. */
  readonly image: Digest | undefined;
  /** RFC 3339 */
  readonly created: string | undefined;
  readonly createdBy: string;
  /** Bytes of the contents of the row's layer; 0 without one. */
  readonly size: number;
  readonly comment: string;
  readonly layer: LayerId | undefined;
  readonly diffId: Digest | undefined;
}

/** The history of an image, newest first. Layers that the config's history does not tell of have a row with nothing but their size. Throws TBUILD_IMAGE_NOT_FOUND. */
export async function imageHistory(store: Store, nameOrId: string): Promise<readonly HistoryRow[]> {
  const { image } = await requireImage(store, nameOrId);
  const config = await readImageConfig(store, image);
  const paired = pairLayers(config.history ?? [], image.chain);
  const rows = await Promise.all(
    paired.map(async ({ entry, layer }): Promise<HistoryRow> => {
      const info = layer === undefined ? undefined : await store.layerInfo(layer.layer);
      return {
        image: undefined,
        created: entry.created,
        createdBy: entry.created_by ?? '',
        size: info?.size ?? 0,
        comment: entry.comment ?? '',
        layer: layer?.layer,
        diffId: layer?.diffId,
      };
    }),
  );
  return rows.toReversed().map((row, index) => (index === 0 ? { ...row, image: image.id } : row));
}

interface Paired {
  readonly entry: HistoryEntry;
  readonly layer: ChainLayer | undefined;
}

function pairLayers(history: readonly HistoryEntry[], chain: readonly ChainLayer[]): readonly Paired[] {
  let next = 0;
  const paired = history.map((entry) => ({ entry, layer: entry.empty_layer === true ? undefined : chain[next++] }));
  return [...paired, ...chain.slice(next).map((layer) => ({ entry: {}, layer }))];
}
