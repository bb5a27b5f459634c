import { TbuildError, isTbuildError } from '../../errors.ts';
import { createDownloader } from '../../http/download.ts';
import type { Download, Downloader, Validators } from '../../http/download.ts';
import { digestFromHex, digestHex } from '../../oci/digest.ts';
import type { Digest } from '../../oci/digest.ts';
import { staticKey } from '../../cache/key.ts';
import type { Store } from '../../store/types.ts';
import { decompressed } from '../../tar/decompress.ts';
import type { BuildAccess } from '../access.ts';
import type { Tell } from '../paced.ts';
import { httpAuthorization } from './credentials.ts';

export interface UrlRequest {
  /** Without credentials. */
  readonly url: URL;
  /** Of the URL's own credentials, for where no secret is. */
  readonly authorization: string | undefined;
  /** For messages. */
  readonly shown: string;
  /** What the content must be. */
  readonly checksum: Digest | undefined;
  readonly onProgress: Tell;
}

/** What a URL gave. */
export interface FetchedUrl extends Validators {
  /** 64 hex digits. */
  readonly sha256: string;
  readonly size: number;
}

/** Per build: steps of several stages may name the same URL. */
const known = new WeakMap<BuildAccess['options'], Map<string, Promise<FetchedUrl>>>();

/**
 * Asks for a URL once per build. For its `identity` nothing is downloaded that is unchanged since another build, and nothing is asked when the checksum says it; for its `content` it is also in the
 * store, as a blob that is leased. Throws TBUILD_DOWNLOAD, TBUILD_DIGEST_MISMATCH when it is not what the checksum says, TBUILD_SECRET.
 */
export async function fetchUrl(
  access: BuildAccess,
  request: UrlRequest,
  wanted: 'identity' | 'content',
): Promise<FetchedUrl> {
  const fetches = known.get(access.options) ?? new Map<string, Promise<FetchedUrl>>();
  known.set(access.options, fetches);
  const key = staticKey({ kind: 'download', url: request.url.href, checksum: request.checksum });
  const identity = fetches.get(key) ?? identify(access, request, key);
  fetches.set(key, identity);
  identity.catch(() => fetches.delete(key));
  const fetched = await identity;
  if (wanted === 'identity' || (await access.store.hasBlob(digestFromHex(fetched.sha256)))) return fetched;
  const again = download(access, request, key);
  fetches.set(key, again);
  again.catch(() => fetches.delete(key));
  return again;
}

async function identify(access: BuildAccess, request: UrlRequest, key: string): Promise<FetchedUrl> {
  const { checksum } = request;
  const record = await readRecord(access.store, key);
  if (checksum === undefined) return download(access, request, key, record);
  return record?.sha256 === digestHex(checksum)
    ? record
    : { sha256: digestHex(checksum), size: 0, etag: undefined, lastModified: undefined };
}

/** Downloads what is not unchanged since the record. */
async function download(
  access: BuildAccess,
  request: UrlRequest,
  key: string,
  record?: FetchedUrl,
): Promise<FetchedUrl> {
  const { store, signal } = access;
  const { url } = request;
  const authorization = (await httpAuthorization(access, url)) ?? request.authorization;
  using downloader = createDownloader();
  const { etag, lastModified } = record ?? {};
  const isKnown = etag !== undefined || lastModified !== undefined;
  const opened = await open(downloader, {
    url,
    authorization,
    signal,
    known: isKnown ? { etag, lastModified } : undefined,
  });
  if (opened.kind === 'unchanged') {
    if (record === undefined) throw new TypeError('only what is known can be unchanged');
    return record;
  }
  const fetched = await keep(store, opened, request);
  await store.addRecord(key, { layer: null, ...fetched }, () => true);
  return fetched;
}

function open(downloader: Downloader, request: Parameters<Downloader['open']>[0]): Promise<Download> {
  return downloader.open(request);
}

async function keep(
  store: Store,
  opened: Extract<Download, { kind: 'content' }>,
  { checksum, shown, onProgress }: UrlRequest,
): Promise<FetchedUrl> {
  await using writer = await store.blobWriter();
  let received = 0;
  async function* counted(): AsyncGenerator<Buffer, void, undefined> {
    for await (const chunk of opened.bytes) {
      received += chunk.length;
      onProgress(shown, received, opened.size);
      yield chunk;
    }
  }
  const content =
    opened.encoding === 'identity'
      ? counted()
      : decompressed({ compression: 'gzip', bytes: counted(), close: async () => opened.close() });
  try {
    for await (const chunk of content) await writer.write(chunk);
    const { digest, size } = await writer.commit(checksum === undefined ? undefined : { digest: checksum });
    const { etag, lastModified } = opened;
    return { sha256: digestHex(digest), size, etag, lastModified };
  } catch (error) {
    if (!isTbuildError(error, 'TBUILD_DIGEST_MISMATCH')) throw error;
    throw new TbuildError('TBUILD_DIGEST_MISMATCH', `${shown}: the content is not what --checksum says`, {
      cause: error,
      hint: 'Look at what has changed before you change the checksum.',
      details: { ...error.details, expected: checksum },
    });
  }
}

async function readRecord(store: Store, key: string): Promise<FetchedUrl | undefined> {
  const [value] = await store.readRecords(key);
  if (typeof value !== 'object' || value === null) return undefined;
  const { sha256, size, etag, lastModified } = value as Partial<Record<keyof FetchedUrl, unknown>>;
  const isText = (text: unknown): text is string | undefined => text === undefined || typeof text === 'string';
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256) || typeof size !== 'number') return undefined;
  return isText(etag) && isText(lastModified) ? { sha256, size, etag, lastModified } : undefined;
}
