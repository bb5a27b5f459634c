import { TbuildError } from '../errors.ts';
import { maxConfigSize, parseImageConfig } from '../oci/config.ts';
import type { ImageConfig } from '../oci/config.ts';
import { acceptedManifests, isIndexMediaType } from '../oci/descriptor.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { digestOf, isDigest } from '../oci/digest.ts';
import type { Digest } from '../oci/digest.ts';
import { maxManifestSize, parseManifest } from '../oci/manifest.ts';
import type { Index, Manifest } from '../oci/manifest.ts';
import { formatPlatform, matchPlatform, normalizePlatform } from '../oci/platform.ts';
import type { Platform } from '../oci/platform.ts';
import { familiarReference } from '../oci/reference.ts';
import type { Reference } from '../oci/reference.ts';
import type { Fetcher } from './fetcher.ts';
import { statusError } from './status-error.ts';
import type { HttpResponse } from '../http/transport.ts';

/** An image as a registry has it, every document verified against its digest. */
export interface ResolvedImage {
  readonly reference: Reference;
  /** What the reference itself names: the index's digest if there is one, else the manifest's. Belongs behind the `@` of a repository digest. */
  readonly digest: Digest;
  /** Present when the reference names an index. */
  readonly index: { readonly descriptor: Descriptor; readonly bytes: Buffer } | undefined;
  /** Of the manifest. */
  readonly descriptor: Descriptor;
  readonly manifestBytes: Buffer;
  readonly manifest: Manifest;
  readonly configBytes: Buffer;
  /** As many diffIDs as the manifest has layers. */
  readonly config: ImageConfig;
  /** What the config says: may differ from the one asked for when the reference names a single manifest. */
  readonly platform: Platform;
}

export interface ResolveOptions {
  /** Chooses from an index. */
  readonly platform: Platform;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Fetches manifest and config of a reference. Throws TBUILD_REGISTRY (not there, not reachable), TBUILD_REGISTRY_AUTH, TBUILD_DIGEST_MISMATCH, TBUILD_MANIFEST, TBUILD_PLATFORM_MISMATCH,
 * TBUILD_UNSUPPORTED, or the reason of an aborted signal.
 */
export async function resolveImage(
  fetcher: Fetcher,
  reference: Reference,
  options: ResolveOptions,
): Promise<ResolvedImage> {
  const context = { fetcher, reference, signal: options.signal };
  const top = await fetchTop(context);
  const found = await descend(context, top, options.platform, 0);
  const configBytes = await fetchConfig(context, found.manifest.config);
  const config = parseImageConfig(configBytes);
  const { layers } = found.manifest;
  if (config.rootfs.diff_ids.length !== layers.length) {
    throw new TbuildError(
      'TBUILD_MANIFEST',
      `${familiarReference(reference)}: the manifest has ${layers.length} layers, the config ${config.rootfs.diff_ids.length}`,
    );
  }
  return {
    reference,
    digest: top.descriptor.digest,
    index: top.document.kind === 'index' ? { descriptor: top.descriptor, bytes: top.bytes } : undefined,
    descriptor: found.descriptor,
    manifestBytes: found.bytes,
    manifest: found.manifest,
    configBytes,
    config,
    platform: normalizePlatform(config),
  };
}

interface Context {
  readonly fetcher: Fetcher;
  readonly reference: Reference;
  readonly signal: AbortSignal | undefined;
}

interface Fetched {
  readonly descriptor: Descriptor;
  readonly bytes: Buffer;
  readonly document: Manifest | Index;
}

async function fetchTop(context: Context): Promise<Fetched> {
  const { reference } = context;
  const { response, bytes } = await fetchManifest(context, reference.digest ?? reference.tag ?? 'latest');
  const digest = digestOf(bytes);
  if (reference.digest !== undefined && reference.digest !== digest) throw mismatch(reference.digest, digest);
  const announced = response.headers['docker-content-digest'];
  if (isDigest(announced) && announced !== digest) throw mismatch(announced, digest);
  const document = parseManifest(bytes, contentType(response));
  return { descriptor: { mediaType: document.mediaType, digest, size: bytes.length }, bytes, document };
}

const maxNesting = 3;

/** From an index to the manifest for the platform; an index may name others. */
async function descend(
  context: Context,
  { descriptor, bytes, document }: Fetched,
  platform: Platform,
  depth: number,
): Promise<{ readonly descriptor: Descriptor; readonly bytes: Buffer; readonly manifest: Manifest }> {
  if (document.kind === 'manifest') return { descriptor, bytes, manifest: document };
  if (depth === maxNesting) throw new TbuildError('TBUILD_MANIFEST', `indexes are nested deeper than ${maxNesting}`);
  const chosen = matchPlatform(document.manifests, platform);
  if (chosen === undefined) throw notForPlatform(context.reference, document, platform);
  const { bytes: chosenBytes } = await fetchManifest(context, chosen.digest);
  verify(chosenBytes, chosen);
  const next = { descriptor: chosen, bytes: chosenBytes, document: parseManifest(chosenBytes, chosen.mediaType) };
  return descend(context, next, platform, depth + 1);
}

async function fetchManifest(context: Context, name: string): Promise<{ response: HttpResponse; bytes: Buffer }> {
  return fetchDocument(context, `manifests/${name}`, {
    what: 'manifest',
    max: maxManifestSize,
    accept: acceptedManifests,
  });
}

async function fetchConfig(context: Context, descriptor: Descriptor): Promise<Buffer> {
  if (descriptor.size > maxConfigSize) throw tooLarge('config', maxConfigSize);
  const { bytes } = await fetchDocument(context, `blobs/${descriptor.digest}`, { what: 'config', max: maxConfigSize });
  verify(bytes, descriptor);
  return bytes;
}

async function fetchDocument(
  { fetcher, reference, signal }: Context,
  path: string,
  { what, max, accept }: { readonly what: string; readonly max: number; readonly accept?: readonly string[] },
): Promise<{ response: HttpResponse; bytes: Buffer }> {
  const headers = accept === undefined ? {} : { accept: accept.join(', ') };
  const { response, bytes } = await fetcher.read(reference, path, { headers, max, signal });
  if (response.status !== 200) throw statusError(reference, response, bytes);
  if (bytes === undefined) throw tooLarge(what, max);
  return { response, bytes };
}

function contentType({ headers }: HttpResponse): string | undefined {
  return headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
}

function verify(bytes: Buffer, descriptor: Descriptor): void {
  const digest = digestOf(bytes);
  if (digest !== descriptor.digest) throw mismatch(descriptor.digest, digest);
  if (bytes.length !== descriptor.size) {
    throw new TbuildError(
      'TBUILD_DIGEST_MISMATCH',
      `${digest}: ${bytes.length} bytes, where its descriptor says ${descriptor.size}`,
    );
  }
}

function mismatch(expected: Digest, actual: Digest): TbuildError {
  return new TbuildError('TBUILD_DIGEST_MISMATCH', `the registry sent other content than ${expected}`, {
    hint: 'A proxy or a damaged registry changes what is sent; nothing of it was used.',
    details: { expected, actual },
  });
}

function tooLarge(what: string, max: number): TbuildError {
  return new TbuildError('TBUILD_MANIFEST', `the ${what} is over the limit of ${max / 1024 / 1024} MiB`);
}

function notForPlatform(reference: Reference, index: Index, platform: Platform): TbuildError {
  const offered = index.manifests
    .flatMap((each) =>
      each.platform === undefined || isIndexMediaType(each.mediaType) ? [] : [formatPlatform(each.platform)],
    )
    .filter((each) => !each.startsWith('unknown/'));
  return new TbuildError(
    'TBUILD_PLATFORM_MISMATCH',
    `${familiarReference(reference)} is not available for ${formatPlatform(platform)}`,
    {
      hint: offered.length === 0 ? undefined : `It is available for ${[...new Set(offered)].join(', ').slice(0, 500)}.`,
    },
  );
}
