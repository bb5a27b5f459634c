import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { TbuildError } from '../errors.ts';
import type { Helper } from '../native/helper-types.ts';
import { mediaTypes } from '../oci/descriptor.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { digestFromHex } from '../oci/digest.ts';
import type { ChainLayer, Store } from '../store/types.ts';
import { counted } from './counted.ts';
import type { OnExport } from './counted.ts';
import { gzipInParallel } from './parallel-gzip.ts';

export interface LayerAccess {
  readonly store: Store;
  readonly helper: Helper;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The blob of a layer: the one it arrived as, or the one that an earlier export made; otherwise its canonical tar is compressed into the store now, and remembered.
 * Throws TBUILD_STORE_CORRUPT when the layer's files are not what its diffID says.
 */
export async function layerBlob(access: LayerAccess, layer: ChainLayer, onExport?: OnExport): Promise<Descriptor> {
  const known = await access.store.findDiffId(layer.diffId);
  if (known?.blob !== undefined && (await access.store.hasBlob(known.blob.digest))) return known.blob;
  const blob = await compressLayer(access, layer, onExport);
  await access.store.putDiffId(layer.diffId, {
    layer: known?.layer ?? layer.layer,
    state: known?.state ?? layer.state,
    blob,
  });
  return blob;
}

/** The layer's canonical tar, checked against its diffID as it ends. Only for layers that did not arrive as a tar: those are their blob. */
export async function* canonicalTar(access: LayerAccess, layer: ChainLayer): AsyncGenerator<Buffer, void, undefined> {
  const diff = access.store.diffDirectory(layer.layer);
  const hash = createHash('sha256');
  for await (const chunk of access.helper.tar({
    diff,
    listing: join(dirname(diff), 'listing'),
    signal: access.signal,
  })) {
    hash.update(chunk);
    yield chunk;
  }
  const actual = digestFromHex(hash.digest('hex'));
  if (actual !== layer.diffId) throw wrongContent(layer, actual);
}

async function compressLayer(access: LayerAccess, layer: ChainLayer, onExport?: OnExport): Promise<Descriptor> {
  await using writer = await access.store.blobWriter();
  const total = (await access.store.layerInfo(layer.layer))?.tarSize;
  const tar = counted(canonicalTar(access, layer), (bytes) => onExport?.(layer.diffId, bytes, total));
  for await (const chunk of gzipInParallel(tar)) await writer.write(chunk);
  const { digest, size } = await writer.commit();
  return { mediaType: mediaTypes.ociLayerGzip, digest, size };
}

function wrongContent(layer: ChainLayer, actual: Digest): TbuildError {
  return new TbuildError('TBUILD_STORE_CORRUPT', `layer ${layer.layer.slice(0, 12)}: its files have changed`, {
    hint: 'Build again with --no-cache: something has written into the store.',
    details: { layer: layer.layer, expected: layer.diffId, actual },
  });
}
