import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { TbuildError, isTbuildError } from '../errors.ts';
import { mediaTypes } from '../oci/descriptor.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { digestFromHex, digestHex } from '../oci/digest.ts';
import type { Digest } from '../oci/digest.ts';
import type { BlobStart, BlobWriter, ChainLayer } from '../store/types.ts';
import { decompressed, recognise } from '../tar/decompress.ts';
import type { Compression } from '../tar/decompress.ts';
import { layerEntries } from '../tar/layer-entries.ts';
import type { Omission } from '../tar/layer-entries.ts';
import { readTar } from '../tar/read-tar.ts';
import { untilAborted } from '../util/until-aborted.ts';
import type { LayerAccess } from './layer-blob.ts';

/** Where the bytes of a layer come from: a tar, plain or compressed. Their end is the blob's end. */
export type LayerBytes =
  /** From their beginning. */
  | { readonly kind: 'stream'; open(signal: AbortSignal): AsyncIterable<Uint8Array> }
  /** From any place on, so that a transfer that was cut can be continued, by another process too. */
  | { readonly kind: 'transfer'; open(signal: AbortSignal, from: number): AsyncIterable<Uint8Array> }
  /** In a file on the store's file system, which is linked rather than copied. */
  | { readonly kind: 'file'; readonly path: string };

export interface ExpectedLayer {
  /** Undefined: an archive does not tell. */
  readonly blob: Descriptor | undefined;
  readonly diffId: Digest;
}

/** A layer on its way into the store. */
export interface ArrivingLayer {
  readonly bytes: LayerBytes;
  /** What it must turn out to be; undefined: whatever it is (`import`). */
  readonly expected: ExpectedLayer | undefined;
  /** Bytes of the blob that are here. */
  readonly onBytes?: ((received: number) => void) | undefined;
}

export interface ArrivedLayer {
  readonly layer: ChainLayer;
  readonly blob: Descriptor;
  /** Bytes of file contents. */
  readonly size: number;
  /** What of the archive the layer did not get. */
  readonly omissions: readonly Omission[];
}

/**
 * Unpacks a tar stream into a layer of the store and keeps the bytes as a blob: one pass, nothing held in memory. Nothing is committed before blob digest, size and diffID are verified.
 * Of what no media type exists for (bzip2, xz) the unpacked tar is the blob. Device nodes are left out for everybody but root, and reported. A transfer goes on where an earlier one of the blob
 * was cut; where what that one left behind is not the beginning of the blob, it starts anew.
 *
 * Throws TBUILD_DIGEST_MISMATCH, TBUILD_ARCHIVE, TBUILD_UNSUPPORTED and what the helper throws; what was written by then is removed, but for the beginning of a transfer.
 */
export async function layerIn(access: LayerAccess, arriving: ArrivingLayer): Promise<ArrivedLayer> {
  let wasContinued = false;
  const attempt = async (): Promise<ArrivedLayer> => {
    await using writer = await access.store.blobWriter(await startOf(arriving));
    wasContinued = arriving.bytes.kind === 'transfer' && writer.keptSize > 0;
    return await unpack(access, arriving, writer);
  };
  try {
    return await attempt();
  } catch (error) {
    if (wasContinued && isDamage(error)) return attempt();
    throw error;
  }
}

async function startOf({ bytes, expected }: ArrivingLayer): Promise<BlobStart> {
  if (bytes.kind === 'file') return { kind: 'file', path: bytes.path, size: (await stat(bytes.path)).size };
  if (bytes.kind === 'stream' || expected?.blob === undefined) return { kind: 'new' };
  const { digest, size } = expected.blob;
  return { kind: 'resume', digest, size };
}

/** The bytes are not those of the layer. */
function isDamage(error: unknown): boolean {
  return isTbuildError(error, 'TBUILD_DIGEST_MISMATCH') || isTbuildError(error, 'TBUILD_ARCHIVE');
}

async function unpack(access: LayerAccess, arriving: ArrivingLayer, writer: BlobWriter): Promise<ArrivedLayer> {
  const { store, helper } = access;
  const end = new AbortController();
  const signal = access.signal === undefined ? end.signal : AbortSignal.any([access.signal, end.signal]);
  const { userns } = await helper.info();
  await using job = await store.createJob();
  try {
    const omissions: Omission[] = [];
    const { compression, bytes, close } = await recognise(receive(arriving, writer, signal));
    const mediaType = blobTypes[compression];
    if (mediaType === undefined && arriving.expected !== undefined) {
      await close();
      throw unfitCompression(compression);
    }
    const hash = createHash('sha256');
    const kept = mediaType === undefined ? bytes : writing(bytes, writer);
    const tar = hashed(decompressed({ compression, bytes: kept, close }), hash);
    const entries = layerEntries(readTar(mediaType === undefined ? writing(tar, writer) : tar), {
      devices: userns === 'none' ? 'make' : 'omit',
      onOmitted: (omission) => omissions.push(omission),
    });
    const diff = await helper.write({ diff: job.diff, rootAttributes: defaultRoot, tar: false, signal }, entries);
    const diffId = digestFromHex(hash.digest('hex'));
    checkDiffId(arriving, diffId);
    const { digest, size } = await writer.commit(arriving.expected?.blob);
    const blob: Descriptor = { mediaType: mediaType ?? mediaTypes.ociLayer, digest, size };
    const layer = await adopt(access, { diffId, blob }, async () => {
      const omitted = omissions.map(({ path, detail }) => `${path} (${detail})`);
      return (await job.commitLayer(diff, { omitted })).id;
    });
    return { layer, blob, size: diff.size, omissions };
  } catch (error) {
    if (isDamage(error)) writer.discard();
    throw withLayerName(error, arriving);
  } finally {
    // Where unpacking failed the stream may still be waiting for bytes.
    end.abort(new Error('the layer is done with'));
  }
}

/** A layer starts on its own, whatever will be below it. */
const defaultRoot = { mode: 0o755, uid: 0, gid: 0, xattrs: {} } as const;

/** By the bytes, not by what was announced: docker reads such images too. */
const blobTypes: Readonly<Record<Compression, string | undefined>> = {
  none: mediaTypes.ociLayer,
  gzip: mediaTypes.ociLayerGzip,
  zstd: mediaTypes.ociLayerZstd,
  bzip2: undefined,
  xz: undefined,
};

/** First what is here, then the rest. */
async function* receive(
  { bytes, expected, onBytes }: ArrivingLayer,
  writer: BlobWriter,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const announced = expected?.blob;
  let size = 0;
  const note = (chunk: Uint8Array): void => {
    size += chunk.byteLength;
    if (announced !== undefined && size > announced.size) {
      throw new TbuildError('TBUILD_DIGEST_MISMATCH', `more than the announced ${announced.size} bytes arrive`, {
        details: { expected: announced.digest, size: announced.size },
      });
    }
    onBytes?.(size);
  };
  for await (const chunk of untilAborted(writer.kept(), signal)) {
    note(chunk);
    yield chunk;
  }
  if (bytes.kind === 'file' || (size > 0 && size === announced?.size)) return;
  for await (const chunk of untilAborted(bytes.open(signal, size), signal)) {
    note(chunk);
    yield chunk;
  }
}

/** Passes a stream on while it is written into the blob, but for what that has already. */
async function* writing(
  stream: AsyncIterable<Uint8Array>,
  writer: BlobWriter,
): AsyncGenerator<Uint8Array, void, undefined> {
  let passed = 0;
  for await (const chunk of stream) {
    if (passed >= writer.keptSize) await writer.write(chunk);
    passed += chunk.byteLength;
    yield chunk;
  }
}

async function* hashed(
  stream: AsyncIterable<Uint8Array>,
  hash: ReturnType<typeof createHash>,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of stream) {
    hash.update(chunk);
    yield chunk;
  }
}

function unfitCompression(compression: Compression): TbuildError {
  return new TbuildError('TBUILD_UNSUPPORTED', `the layer is compressed with ${compression}`, {
    hint: 'Layers of images are plain, gzip or zstd.',
  });
}

function checkDiffId({ expected }: ArrivingLayer, actual: Digest): void {
  if (expected === undefined || expected.diffId === actual) return;
  throw new TbuildError('TBUILD_DIGEST_MISMATCH', `the unpacked tar is not what the image's config says (diffID)`, {
    hint: 'The image is broken or has been tampered with: do not use it.',
    details: { expected: expected.diffId, actual },
  });
}

/** A diffID that the store has keeps its layer and state, so that what was built on it stays cached. */
async function adopt(
  { store }: LayerAccess,
  { diffId, blob }: { readonly diffId: Digest; readonly blob: Descriptor },
  commit: () => Promise<string>,
): Promise<ChainLayer> {
  const known = await store.findDiffId(diffId);
  const isThere = known !== undefined && (await store.lease([known.layer]))[0] === true;
  const layer = isThere ? known.layer : await commit();
  const state = isThere ? known.state : digestHex(diffId);
  if (!isThere || known.blob === undefined) await store.putDiffId(diffId, { layer, state, blob });
  return { layer, diffId, state };
}

function withLayerName(error: unknown, { expected }: ArrivingLayer): unknown {
  if (!(error instanceof TbuildError) || expected === undefined) return error;
  const { code, hint, details } = error;
  const name = expected.blob?.digest ?? `with diffID ${expected.diffId}`;
  return new TbuildError(code, `layer ${name}: ${error.message}`, { hint, details, cause: error });
}
