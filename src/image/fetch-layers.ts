import { TbuildError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import type { Chain, ChainLayer } from '../store/types.ts';
import { eachInParallel } from './each-in-parallel.ts';
import type { LayerAccess } from './layer-blob.ts';
import { layerIn } from './layer-in.ts';
import type { LayerBytes } from './layer-in.ts';
import type { Omission } from '../tar/layer-entries.ts';

/** How a layer of an image comes along. `current` and `total` are bytes of its blob. */
export interface LayerProgress {
  /** The diffID where an archive does not tell the blob's digest. */
  readonly blob: Digest;
  readonly diffId: Digest;
  /** `waiting`: it will be fetched, which is told of all that are missing before any is. */
  readonly phase: 'exists' | 'waiting' | 'fetching' | 'done';
  readonly current: number;
  readonly total: number;
}

/** A layer that is somewhere else. */
export interface SourceLayer {
  /** As a manifest has it; undefined: nobody tells. */
  readonly blob: Descriptor | undefined;
  /** Bytes of the blob. */
  readonly size: number;
  readonly bytes: LayerBytes;
}

export interface LayerSource {
  /** Bottom first. */
  readonly layers: readonly SourceLayer[];
  /** Of the config, in the same order. */
  readonly diffIds: readonly Digest[];
  readonly onProgress?: ((progress: LayerProgress) => void) | undefined;
}

export interface FetchedLayers {
  readonly chain: Chain;
  readonly omissions: readonly Omission[];
}

const parallelFetches = 4;

type Report = (phase: LayerProgress['phase'], current: number) => void;

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
  const wanted = new Map<Digest, SourceLayer>();
  for (const [index, diffId] of diffIds.entries()) {
    const layer = layers[index];
    if (layer !== undefined && !wanted.has(diffId)) wanted.set(diffId, layer);
  }
  const reporting =
    (diffId: Digest, { blob, size }: SourceLayer): Report =>
    (phase, current) =>
      source.onProgress?.({ blob: blob?.digest ?? diffId, diffId, phase, current, total: size });
  const missing = new Set<Digest>();
  for (const [diffId, layer] of wanted) {
    if ((await findLayer(access, diffId)) !== undefined) continue;
    missing.add(diffId);
    reporting(diffId, layer)('waiting', 0);
  }
  const omissions: Omission[] = [];
  const found = await eachInParallel(
    [...wanted],
    { limit: parallelFetches, signal: access.signal },
    async ([diffId, layer], signal) => {
      const report = reporting(diffId, layer);
      // Another process may have brought it since.
      const known = await findLayer(access, diffId);
      if (known === undefined) return fetchLayer({ ...access, signal }, layer, { diffId, report, omissions });
      report(missing.has(diffId) ? 'done' : 'exists', layer.size);
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
  { blob, bytes }: SourceLayer,
  wanted: {
    readonly diffId: Digest;
    readonly report: Report;
    readonly omissions: Omission[];
  },
): Promise<ChainLayer> {
  const { diffId, report, omissions } = wanted;
  report('fetching', 0);
  const arrived = await layerIn(access, {
    bytes,
    expected: { blob, diffId },
    onBytes: (received) => report('fetching', received),
  });
  omissions.push(...arrived.omissions);
  report('done', arrived.blob.size);
  return arrived.layer;
}
