import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { TbuildError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { isDigest } from '../oci/digest.ts';
import type { Digest } from '../oci/digest.ts';
import type { Platform } from '../oci/platform.ts';
import { errnoOf, ioError } from '../util/io-error.ts';
import type { ManifestSource } from './bring-in.ts';
import { choosePlatform, openLayoutImage, readLayoutIndex } from './layout-image.ts';
import type { LayoutFiles } from './layout-image.ts';
import { readChunks } from './read-chunks.ts';

/** `PATH[:tag|@digest]` of `oci-layout://PATH…` */
export interface LayoutReference {
  readonly path: string;
  readonly tag: string | undefined;
  readonly digest: Digest | undefined;
}

/** Reads what stands behind `oci-layout://`. Throws TBUILD_REFERENCE. */
export function parseLayoutReference(text: string): LayoutReference {
  const at = text.lastIndexOf('@');
  const digest = at === -1 ? undefined : text.slice(at + 1);
  if (digest !== undefined && (digest.startsWith('sha256:') || !digest.includes('/'))) {
    if (!isDigest(digest)) throw invalid(text, 'the digest is not sha256 and 64 hex digits');
    if (at === 0) throw invalid(text, 'the path is missing');
    return { path: text.slice(0, at), tag: undefined, digest };
  }
  const match = /^(.+):([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})$/.exec(text);
  const path = match?.[1] ?? text;
  if (path === '') throw invalid(text, 'the path is missing');
  return { path, tag: match?.[2], digest: undefined };
}

/**
 * Finds an image in an OCI image layout (a directory with `oci-layout`, `index.json` and `blobs/`) and reads its manifest and config. Without tag or digest the layout's only image is meant,
 * else `latest`. Throws TBUILD_IMAGE_NOT_FOUND, TBUILD_MANIFEST, TBUILD_PLATFORM_MISMATCH, TBUILD_DIGEST_MISMATCH.
 */
export async function openOciLayout(reference: LayoutReference, platform: Platform): Promise<ManifestSource> {
  const files = directoryFiles(reference.path);
  const { manifests } = await readLayoutIndex(files);
  return openLayoutImage(files, choose(manifests, reference, platform), platform);
}

function directoryFiles(path: string): LayoutFiles {
  return {
    name: `the OCI layout ${path}`,
    read: (file, limit) => readLimited(join(path, file), limit),
    layerBytes: (file) => ({ kind: 'stream', open: (signal) => readChunks(join(path, file), signal) }),
  };
}

function choose(manifests: readonly Descriptor[], reference: LayoutReference, platform: Platform): Descriptor {
  const { path, tag, digest } = reference;
  if (digest !== undefined) {
    // As docker does, also a manifest that the index does not name.
    return (
      manifests.find((each) => each.digest === digest) ?? { mediaType: 'application/octet-stream', digest, size: 0 }
    );
  }
  const wanted = tag ?? (new Set(manifests.map((each) => each.digest)).size > 1 ? 'latest' : undefined);
  const named = wanted === undefined ? manifests : manifests.filter((each) => tagOf(each) === wanted);
  if (named.length === 0) return notFound(path, wanted ?? 'image', manifests);
  return named.length === 1 && named[0] !== undefined
    ? named[0]
    : choosePlatform(`the OCI layout ${path}`, named, platform);
}

/** The reference name is a tag, or (buildah, older tools) a whole image name. */
function tagOf({ annotations }: Descriptor): string | undefined {
  const name = annotations?.['org.opencontainers.image.ref.name'];
  return name?.slice(Math.max(name.lastIndexOf(':'), name.lastIndexOf('/')) + 1);
}

async function readLimited(path: string, limit: number): Promise<Buffer> {
  try {
    // A fifo must not hang this, nor a device be read for ever.
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = await file.stat();
    if (!stats.isFile()) throw new TbuildError('TBUILD_MANIFEST', `${path} is not a regular file`);
    if (stats.size > limit) throw new TbuildError('TBUILD_MANIFEST', `${path}: over the limit of ${limit} bytes`);
    return await file.readFile();
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw ioError(error, 'read', path);
    throw new TbuildError('TBUILD_MANIFEST', `not an OCI image layout: ${path} is missing`, {
      cause: error,
      hint: 'Give the directory that holds oci-layout and index.json.',
    });
  }
}

function notFound(path: string, wanted: string, manifests: readonly Descriptor[]): never {
  const tags = manifests.flatMap((each) => tagOf(each) ?? []);
  throw new TbuildError('TBUILD_IMAGE_NOT_FOUND', `the OCI layout ${path} has no ${wanted}`, {
    hint: tags.length === 0 ? 'Its index names no tags.' : `It has ${tags.slice(0, 10).join(', ')}.`,
  });
}

function invalid(text: string, reason: string): TbuildError {
  return new TbuildError('TBUILD_REFERENCE', `invalid OCI layout ${JSON.stringify(text)}: ${reason}`, {
    hint: 'Write oci-layout://PATH[:tag|@sha256:digest].',
  });
}
