import type { LayerOrigin } from '../cache/origins.ts';
import { imageHistory as rowsOf } from '../image/history.ts';
import type { HistoryRow as ImageRow } from '../image/history.ts';
import { requireImage } from '../image/read-image.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Store } from '../store/types.ts';

/** One row of `docker history`, and where its layer comes from. */
export interface HistoryRow extends ImageRow {
  /** What the step changed can be listed here; undefined for a row without a layer. */
  readonly directory: string | undefined;
  /** Of a layer that a step made: that step and its cache record. Undefined for others, and where neither is remembered. */
  readonly origin: LayerOrigin | undefined;
  /** Of a layer that was pulled, loaded or imported: what it arrived as. */
  readonly arrivedAs: Descriptor | undefined;
}

/** The history of an image, newest first. Layers that the config's history does not tell of have a row with nothing but their size. Throws TBUILD_IMAGE_NOT_FOUND. */
export async function imageHistory(store: Store, nameOrId: string): Promise<readonly HistoryRow[]> {
  const { image } = await requireImage(store, nameOrId);
  const rows = await rowsOf(store, image.id);
  const { chainOrigins, readOrigins } = await import('../cache/origins.ts');
  // The rows are newest first, the layers of the chain bottom first.
  const layers = rows.flatMap(({ layer }) => layer ?? []).toReversed();
  const origins = [...chainOrigins(await readOrigins(store), image.id, layers)];
  return Promise.all(
    rows.map(async (row) => ({
      ...row,
      directory: row.layer === undefined ? undefined : store.diffDirectory(row.layer),
      origin: row.layer === undefined ? undefined : origins.pop(),
      arrivedAs: row.diffId === undefined ? undefined : (await store.findDiffId(row.diffId))?.blob,
    })),
  );
}
