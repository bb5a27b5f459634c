import { createHash } from 'node:crypto';
import { TbuildError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Reference } from '../oci/reference.ts';
import type { Fetcher } from './fetcher.ts';
import { connectionError, registryError } from './registry-error.ts';
import { backOff, isPassingError, maxTries } from '../http/retry.ts';
import { maxErrorBody, statusError } from './status-error.ts';
import { readBody } from '../http/transport.ts';
import type { HttpResponse } from '../http/transport.ts';

export interface OpenBlobOptions {
  readonly signal?: AbortSignal | undefined;
  /** Bytes of the blob that the caller has already. @default 0 */
  readonly from?: number;
  /** False: the caller hashes what it gets, as a blob writer of the store does. @default true */
  readonly verify?: boolean;
}

/**
 * A blob's bytes as they arrive, up to `descriptor.size` of them. A connection that breaks inside is taken up again where it broke, as long as each try brings more. The iteration ends
 * with TBUILD_DIGEST_MISMATCH when the bytes are not the blob (so use nothing for good before it ended), TBUILD_REGISTRY, or the signal's reason. Breaking off closes the connection.
 */
export async function* openBlob(
  { fetcher, retryDelayMs }: { readonly fetcher: Fetcher; readonly retryDelayMs: number },
  reference: Reference,
  descriptor: Descriptor,
  { signal, from = 0, verify = from === 0 }: OpenBlobOptions = {},
): AsyncGenerator<Buffer, void, undefined> {
  const hash = verify ? createHash('sha256') : undefined;
  if (verify && from > 0) throw new TypeError('only a blob that comes from its beginning can be verified here');
  let received = from;
  for (let fruitless = 1; received < descriptor.size || received === 0; fruitless++) {
    const before = received;
    const response = await request(fetcher, reference, descriptor, { from: received, signal });
    try {
      for await (const chunk of bodyFrom(response, descriptor, received)) {
        received += chunk.length;
        if (received > descriptor.size) throw wrongSize(descriptor, 'more');
        hash?.update(chunk);
        yield chunk;
      }
      if (received < descriptor.size) throw cutOff();
      break;
    } catch (error) {
      signal?.throwIfAborted();
      if (!isPassingError(error)) throw error instanceof TbuildError ? error : connectionError(response.url, error);
      if (received > before) fruitless = 0;
      if (fruitless >= maxTries) throw connectionError(response.url, error);
    } finally {
      response.body.destroy();
    }
    await backOff(Math.max(fruitless, 1), undefined, { delayMs: retryDelayMs, signal });
  }
  if (hash !== undefined && `sha256:${hash.digest('hex')}` !== descriptor.digest) {
    throw new TbuildError('TBUILD_DIGEST_MISMATCH', `the registry sent other content than ${descriptor.digest}`, {
      hint: 'A proxy or a damaged registry changes what is sent; nothing of it was used.',
    });
  }
}

async function request(
  fetcher: Fetcher,
  reference: Reference,
  descriptor: Descriptor,
  { from, signal }: { readonly from: number; readonly signal: AbortSignal | undefined },
): Promise<HttpResponse> {
  const headers = from === 0 ? {} : { range: `bytes=${from}-` };
  const response = await fetcher.get(reference, `blobs/${descriptor.digest}`, { headers, signal });
  if (response.status === 200 || (response.status === 206 && from > 0)) return response;
  if (response.status === 416 && from > 0) {
    // Some cannot give a part: then all of it, of which what is here is passed over.
    response.body.destroy();
    return request(fetcher, reference, descriptor, { from: 0, signal });
  }
  const body = await readBody(response, maxErrorBody).catch(() => undefined);
  throw statusError(reference, response, body);
}

/** The body from `offset` of the blob on, whether the server honoured the range or sent all of it again. */
async function* bodyFrom(
  { status, headers, body }: HttpResponse,
  descriptor: Descriptor,
  offset: number,
): AsyncGenerator<Buffer> {
  const starts = status === 206 ? Number(/^bytes (\d+)-/.exec(headers['content-range'] ?? '')?.[1]) : 0;
  if (starts !== 0 && starts !== offset)
    throw registryError(`${descriptor.digest}: the registry sent another range than was asked for`);
  const length = headers['content-length'];
  if (length !== undefined && Number(length) !== descriptor.size - starts) throw wrongSize(descriptor, length);
  let skip = offset - starts;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    if (skip >= chunk.length) skip -= chunk.length;
    else {
      yield skip === 0 ? chunk : chunk.subarray(skip);
      skip = 0;
    }
  }
}

function wrongSize(descriptor: Descriptor, found: string): TbuildError {
  return new TbuildError(
    'TBUILD_DIGEST_MISMATCH',
    `${descriptor.digest}: the registry sends ${found} bytes, where the manifest says ${descriptor.size}`,
  );
}

/** An answer without a length can simply stop: for Node that is no error. */
function cutOff(): Error {
  return Object.assign(new Error('the answer ended early'), { code: 'ECONNRESET' });
}
