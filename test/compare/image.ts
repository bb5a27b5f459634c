import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { readEntries } from './tar.ts';
import type { TarEntry } from './tar.ts';

export interface HistoryLine {
  readonly created_by?: string;
  readonly comment?: string;
  readonly author?: string;
  readonly empty_layer?: boolean;
}

export interface Config {
  readonly architecture?: string;
  readonly os?: string;
  readonly author?: string;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly history?: readonly HistoryLine[];
  readonly rootfs: { readonly diff_ids: readonly string[] };
}

export interface LoadedImage {
  readonly config: Config;
  /** Bottom first. */
  readonly layers: readonly (readonly TarEntry[])[];
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
}

// The layers of base images come again and again.
const knownLayers = new Map<string, readonly TarEntry[]>();

/** The only image of an archive in the OCI layout: what tbuild writes with `--output type=oci`, and what `docker save` writes. */
export async function loadImage(archive: string): Promise<LoadedImage> {
  const places = new Map<string, { readonly start: number; readonly end: number }>();
  for await (const { path, offset, size } of readEntries(createReadStream(archive))) {
    places.set(path, { start: offset, end: offset + size - 1 });
  }
  const open = (path: string): AsyncIterable<Buffer> => {
    const place = places.get(path);
    if (place === undefined) throw new Error(`${archive} has no ${path}`);
    return createReadStream(archive, place);
  };
  const json = async <T>(path: string): Promise<T> => {
    const chunks: Buffer[] = [];
    for await (const chunk of open(path)) chunks.push(chunk);
    return JSON.parse(Buffer.concat(chunks).toString()) as T;
  };
  const blob = (descriptor: Descriptor): string => `blobs/${descriptor.digest.replace(':', '/')}`;
  let { manifests } = await json<{ manifests: readonly Descriptor[] }>('index.json');
  while (manifests[0]?.mediaType.includes('index') === true) {
    ({ manifests } = await json<{ manifests: readonly Descriptor[] }>(blob(manifests[0])));
  }
  const [only] = manifests;
  if (only === undefined) throw new Error(`${archive} has no image`);
  // docker writes null where there is none.
  const manifest = await json<{ config: Descriptor; layers: readonly Descriptor[] | null }>(blob(only));
  const config = withoutNull(await json<Config>(blob(manifest.config)));
  const layers: (readonly TarEntry[])[] = [];
  for (const [index, layer] of (manifest.layers ?? []).entries()) {
    const diffId = config.rootfs.diff_ids[index] ?? '';
    const entries = knownLayers.get(diffId) ?? (await readLayer(open(blob(layer)), layer.mediaType));
    knownLayers.set(diffId, entries);
    layers.push(entries);
  }
  return { config, layers };
}

function withoutNull(config: Config): Config {
  const { history, rootfs } = config as {
    readonly history: Config['history'] | null;
    readonly rootfs: { readonly diff_ids: readonly string[] | null };
  };
  return { ...config, history: history ?? [], rootfs: { ...rootfs, diff_ids: rootfs.diff_ids ?? [] } };
}

async function readLayer(bytes: AsyncIterable<Buffer>, mediaType: string): Promise<readonly TarEntry[]> {
  const entries: TarEntry[] = [];
  const plain = mediaType.endsWith('gzip')
    ? (bytes as ReturnType<typeof createReadStream>).pipe(createGunzip())
    : bytes;
  for await (const entry of readEntries(plain)) entries.push(entry);
  return entries;
}
