import { TbuildError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import type { Chain, ChainLayer } from '../store/types.ts';
import { eachInParallel } from './each-in-parallel.ts';
import type { LayerAccess } from './layer-blob.ts';
import { layerIn } from './layer-in.ts';
import type { Omission } from '../tar/layer-entries.ts';

/** How a layer of an image comes along. `current` and `total` are bytes of its blob. */
export interface LayerProgress {
  readonly blob: Digest;
  readonly diffId: Digest;
  readonly phase: 'exists' | 'fetching' | 'done';
  readonly current: number;
  readonly total: number;
}

export interface LayerSource {
  /** Of the manifest, bottom first. */
  readonly layers: readonly Descriptor[];
  /** Of the config, in the same order. */
  readonly diffIds: readonly Digest[];
  readonly open: (blob: Descriptor, signal: AbortSignal) => AsyncIterable<Uint8Array>;
  readonly onProgress?: ((progress: LayerProgress) => void) | undefined;
}

export interface FetchedLayers {
  readonly chain: Chain;
  readonly omissions: readonly Omission[];
}

const parallelFetches = 4;

/**
 * Brings an image's layers into the store, each at most once and none that is there already. A failure stops the others and leaves what is whole.
 * Throws TBUILD_MANIFEST when manifest and config disagree on the number of layers.
 */
export async function fetchLayers(access: LayerAccess, source: LayerSource): Promise<FetchedLayers> {
  const { layers, diffIds } = source;
  if (layers.length !== diffIds.length) {
    throw new TbuildError(
      'TBUILD_MANIFEST',
      `the manifest has ${layers.length} layers, the config ${diffIds.length} diff_ids`,
    );
  }
  const wanted = new Map<Digest, Descriptor>();
  for (const [index, diffId] of diffIds.entries()) {
    const blob = layers[index];
    if (blob !== undefined && !wanted.has(diffId)) wanted.set(diffId, blob);
  }
  const omissions: Omission[] = [];
  const found = await eachInParallel(
    [...wanted],
    { limit: parallelFetches, signal: access.signal },
    async ([diffId, blob], signal) => {
      const known = await findLayer(access, diffId);
      if (known === undefined) return fetchLayer({ ...access, signal }, source, { diffId, blob, omissions });
      source.onProgress?.({ blob: blob.digest, diffId, phase: 'exists', current: blob.size, total: blob.size });
      return known;
    },
  );
  const byDiffId = new Map(found.map((layer) => [layer.diffId, layer]));
  return { chain: diffIds.flatMap((diffId) => byDiffId.get(diffId) ?? []), omissions };
}

/** The layer of a diffID where the store has it; leased from then on. */
export async function findLayer({ store }: LayerAccess, diffId: Digest): Promise<ChainLayer | undefined> {
  const known = await store.findDiffId(diffId);
  if (known === undefined || (await store.lease([known.layer]))[0] !== true) return undefined;
  return { layer: known.layer, diffId, state: known.state };
}

async function fetchLayer(
  access: LayerAccess,
  { open, onProgress }: LayerSource,
  wanted: { readonly diffId: Digest; readonly blob: Descriptor; readonly omissions: Omission[] },
): Promise<ChainLayer> {
  const { diffId, blob, omissions } = wanted;
  let current = 0;
  const report = (phase: LayerProgress['phase']): void =>
    onProgress?.({ blob: blob.digest, diffId, phase, current, total: blob.size });
  report('fetching');
  const arrived = await layerIn(access, {
    stream: (signal) => open(blob, signal),
    expected: { blob, diffId },
    onBytes(count) {
      current += count;
      report('fetching');
    },
  });
  omissions.push(...arrived.omissions);
  report('done');
  return arrived.layer;
}
