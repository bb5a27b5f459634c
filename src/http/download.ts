import { TbuildError } from '../errors.ts';
import { describeFailure, shownUrl } from './failure.ts';
import { redirectedGet } from './redirects.ts';
import { backOff, isPassingError, isPassingStatus, maxTries } from './retry.ts';
import { createTransport } from './transport.ts';
import type { HttpResponse, Transport } from './transport.ts';

export interface DownloadRequest {
  /** Without credentials. */
  readonly url: URL;
  /** The value of an Authorization header; goes to the URL's own origin alone. */
  readonly authorization?: string | undefined;
  /** Of what is known already: the answer may be that it is unchanged. */
  readonly known?: Validators | undefined;
  readonly signal: AbortSignal | undefined;
}

/** By which a server tells one content of a URL from another, as it wrote them. */
export interface Validators {
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
}

export type Download =
  | { readonly kind: 'unchanged' }
  | (Validators & {
      readonly kind: 'content';
      /** Bytes; undefined when the server does not say. */
      readonly size: number | undefined;
      readonly encoding: 'identity' | 'gzip';
      /**
       * As they arrive. A connection that breaks is taken up again where it broke if the server can give a part of the same content. Throws TBUILD_DOWNLOAD, or the signal's reason. Breaking off
       * closes the connection.
       */
      readonly bytes: AsyncIterable<Buffer>;
      /** For when `bytes` is not read. */
      close(): void;
    });

export interface Downloader extends Disposable {
  /** Throws TBUILD_DOWNLOAD for what cannot be had, or the signal's reason. */
  open(request: DownloadRequest): Promise<Download>;
}

export interface DownloaderOptions {
  /** Milliseconds without a byte until a connection counts as dead. @default 30,000 */
  readonly stallMs?: number;
  /** Milliseconds before the second try of a request; doubles with each. @default 500 */
  readonly retryDelayMs?: number;
}

export function createDownloader({ stallMs = 30_000, retryDelayMs = 500 }: DownloaderOptions = {}): Downloader {
  const transport = createTransport({ stallMs, ca: undefined });
  return {
    open: (request) => open({ transport, retryDelayMs }, request),
    [Symbol.dispose]: () => transport.close(),
  };
}

interface Access {
  readonly transport: Transport;
  readonly retryDelayMs: number;
}

async function open(access: Access, request: DownloadRequest): Promise<Download> {
  const { known, url } = request;
  const response = await patientGet(access, request, {
    ...(known?.etag === undefined ? {} : { 'if-none-match': known.etag }),
    ...(known?.lastModified === undefined ? {} : { 'if-modified-since': known.lastModified }),
  });
  const { status, headers, body } = response;
  if (status === 304 && known !== undefined) {
    body.destroy();
    return { kind: 'unchanged' };
  }
  if (status !== 200) {
    body.destroy();
    throw refused(url, status);
  }
  const length = headers['content-length'];
  const validators = { etag: headers.etag, lastModified: headers['last-modified'] };
  return {
    kind: 'content',
    ...validators,
    size: length === undefined ? undefined : Number(length),
    encoding: encodingOf(response),
    bytes: bytesOf(access, request, response),
    close: () => void body.destroy(),
  };
}

/** With as many tries as may help. The status is whatever it is. */
async function patientGet(
  { transport, retryDelayMs }: Access,
  { url, authorization, signal }: DownloadRequest,
  headers: Readonly<Record<string, string>>,
): Promise<HttpResponse> {
  for (let tried = 1; ; tried++) {
    let retryAfter: string | undefined;
    try {
      const response = await redirectedGet(transport, url, { headers, authorization, signal, failing });
      if (!isPassingStatus(response.status) || tried === maxTries) return response;
      response.body.destroy();
      retryAfter = response.headers['retry-after'];
    } catch (error) {
      signal?.throwIfAborted();
      if (tried === maxTries || !isPassingError(error instanceof Error ? error.cause : undefined)) throw error;
    }
    await backOff(tried, retryAfter, { delayMs: retryDelayMs, signal });
  }
}

async function* bytesOf(
  access: Access,
  request: DownloadRequest,
  first: HttpResponse,
): AsyncGenerator<Buffer, void, undefined> {
  const { url, signal } = request;
  const { etag, 'content-length': length } = first.headers;
  const size = length === undefined ? undefined : Number(length);
  let response = first;
  let received = 0;
  for (let fruitless = 1; ; fruitless++) {
    const before = received;
    try {
      for await (const chunk of response.body as AsyncIterable<Buffer>) {
        received += chunk.length;
        yield chunk;
      }
      if (size !== undefined && received < size) throw cutOff();
      return;
    } catch (error) {
      signal?.throwIfAborted();
      if (received > before) fruitless = 0;
      if (!isPassingError(error) || !isStrong(etag) || fruitless >= maxTries) throw failing.connection(url, error);
    } finally {
      response.body.destroy();
    }
    await backOff(Math.max(fruitless, 1), undefined, { delayMs: access.retryDelayMs, signal });
    response = await patientGet(access, request, { range: `bytes=${received}-`, 'if-range': etag ?? '' });
    const starts = /^bytes (\d+)-/.exec(response.headers['content-range'] ?? '')?.[1];
    if (response.status !== 206 || Number(starts) !== received || response.headers.etag !== etag) {
      response.body.destroy();
      throw downloadError(url, 'the connection broke, and the server cannot go on where it did', {
        hint: 'Build again.',
      });
    }
  }
}

/** A weak one may stand for other bytes (RFC 9110, 8.8.1). */
function isStrong(etag: string | undefined): boolean {
  return etag?.startsWith('"') === true;
}

function encodingOf({ url, headers, body }: HttpResponse): 'identity' | 'gzip' {
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? '';
  if (encoding === '' || encoding === 'identity') return 'identity';
  if (encoding === 'gzip' || encoding === 'x-gzip') return 'gzip';
  body.destroy();
  throw downloadError(url, `the server sends it encoded (${encoding}), which was not asked for`);
}

const failing = {
  connection(url: URL, error: unknown): TbuildError {
    const { text, hint, errno } = describeFailure(error, 'the server');
    return downloadError(url, text, { cause: error, hint, details: { errno } });
  },
  redirect: (message: string): TbuildError => new TbuildError('TBUILD_DOWNLOAD', message),
} as const;

function refused(url: URL, status: number): TbuildError {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return downloadError(url, `the server answers with status ${status}`, {
    hint:
      status === 401 || status === 403
        ? `Give a secret HTTP_AUTH_TOKEN_${host} or HTTP_AUTH_HEADER_${host}.`
        : status === 404
          ? 'Check the address.'
          : undefined,
    details: { status },
  });
}

function downloadError(
  url: URL,
  what: string,
  options: ConstructorParameters<typeof TbuildError>[2] = {},
): TbuildError {
  return new TbuildError('TBUILD_DOWNLOAD', `${shownUrl(url)}: ${what}`, options);
}

/** An answer without a length can simply stop: for Node that is no error. */
function cutOff(): Error {
  return Object.assign(new Error('the answer ended early'), { code: 'ECONNRESET' });
}
