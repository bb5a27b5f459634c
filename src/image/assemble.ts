import { canonicalJson } from '../oci/canonical-json.ts';
import type { ContainerConfig, HistoryEntry, ImageConfig } from '../oci/config.ts';
import { digestOf } from '../oci/digest.ts';
import type { Chain, ImageRecord, Store } from '../store/types.ts';
import type { ImageDraft } from './draft.ts';
import { fillHistoryTimes, formatTime } from './history-times.ts';

export interface AssembleOptions {
  /** Milliseconds since the epoch, for an image that no layer gives a time. */
  readonly created: number;
  /** SOURCE_DATE_EPOCH in seconds: the time of the image and of every instruction whose layer has none. The base's entries keep theirs. */
  readonly epoch?: number | undefined;
  /** From `--label`; they win over the Dockerfile's. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly parentBuild?: string | undefined;
}

/**
 * Writes the image's config and its record; the id is the config's digest. The same draft and chain always give the same id, and an image that is there already costs one look.
 * Names and durability are `Store.tag`'s. A draft whose history does not have one entry for each layer is a programmer's mistake (TypeError).
 */
export async function assembleImage(
  store: Store,
  draft: ImageDraft,
  chain: Chain,
  options: AssembleOptions,
): Promise<ImageRecord> {
  const config = imageConfig(draft, chain, options);
  const bytes = Buffer.from(canonicalJson(config));
  const known = (await store.findImage(digestOf(bytes)))?.image;
  if (known !== undefined && hasLayers(known.chain, chain)) return known;
  const image: ImageRecord = {
    id: await store.putBlob(bytes),
    platform: draft.platform,
    chain,
    created: config.created,
    size: await chainSize(store, chain),
    repoDigests: known?.repoDigests ?? [],
    manifest: known?.manifest,
    parentBuild: options.parentBuild,
  };
  await store.putImage(image);
  return image;
}

/** The config of the image that a draft has become. Pure. */
export function imageConfig(draft: ImageDraft, chain: Chain, options: AssembleOptions): ImageConfig {
  const history = timedHistory(draft, options);
  const layers = history.filter((entry) => entry.empty_layer !== true).length;
  if (layers !== chain.length) {
    throw new TypeError(`the history tells of ${layers} layers, the chain has ${chain.length}`);
  }
  const { os, architecture, variant } = draft.platform;
  return {
    architecture,
    ...(draft.author === undefined ? {} : { author: draft.author }),
    config: withLabels(draft.config, options.labels ?? {}),
    created: createdTime(history, options),
    history,
    os,
    rootfs: { type: 'layers', diff_ids: chain.map(({ diffId }) => diffId) },
    ...(variant === undefined ? {} : { variant }),
  };
}

/** Bytes of the contents of all layers. */
export async function chainSize(store: Store, chain: Chain): Promise<number> {
  const infos = await Promise.all(chain.map(({ layer }) => store.layerInfo(layer)));
  return infos.reduce((sum, info) => sum + (info?.size ?? 0), 0);
}

function timedHistory(draft: ImageDraft, { created, epoch }: AssembleOptions): readonly HistoryEntry[] {
  if (epoch === undefined) return fillHistoryTimes(draft.history, formatTime(created));
  return draft.history.map((entry) => ({ created: formatTime(epoch * 1000), ...entry }));
}

function createdTime(history: readonly HistoryEntry[], { created, epoch }: AssembleOptions): string {
  if (epoch !== undefined) return formatTime(epoch * 1000);
  return history.at(-1)?.created ?? formatTime(created);
}

function withLabels(config: ContainerConfig, labels: Readonly<Record<string, string>>): ContainerConfig {
  return Object.keys(labels).length === 0 ? config : { ...config, Labels: { ...config.Labels, ...labels } };
}

function hasLayers(known: Chain, chain: Chain): boolean {
  return known.length === chain.length && known.every(({ layer }, index) => layer === chain[index]?.layer);
}
