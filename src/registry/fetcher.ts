import { errnoOf, isCertificateError } from '../http/failure.ts';
import { redirectedGet } from '../http/redirects.ts';
import { backOff, isPassingError, isPassingStatus, maxTries } from '../http/retry.ts';
import { readBody } from '../http/transport.ts';
import type { HttpResponse, Transport } from '../http/transport.ts';
import type { Reference } from '../oci/reference.ts';
import { parseChallenges } from './challenge.ts';
import { registryEndpoints } from './endpoint.ts';
import { connectionError, registryError } from './registry-error.ts';
import { accessDenied, requestToken } from './token.ts';
import type { Token } from './token.ts';

export interface FetchOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal | undefined;
}

/**
 * GETs below `/v2/<repository>/` of a reference's registry: finds the endpoint, follows redirects, gets tokens, tries again where that may help. Any status but 401 and those that were
 * tried again in vain comes back as it is. Throws TBUILD_REGISTRY, TBUILD_REGISTRY_AUTH, or the reason of an aborted signal.
 */
export interface Fetcher {
  get(reference: Reference, path: string, options: FetchOptions): Promise<HttpResponse>;
  /** The same with the body: `bytes` is undefined when it is over `max`. A connection that breaks inside is tried again. */
  read(
    reference: Reference,
    path: string,
    options: FetchOptions & { readonly max: number },
  ): Promise<{ readonly response: HttpResponse; readonly bytes: Buffer | undefined }>;
}

export function createFetcher(transport: Transport, { retryDelayMs }: { readonly retryDelayMs: number }): Fetcher {
  /** By registry: the endpoint that answered. */
  const endpoints = new Map<string, URL>();
  /** By endpoint and repository. */
  const tokens = new Map<string, Promise<Token>>();

  async function get(reference: Reference, path: string, options: FetchOptions): Promise<HttpResponse> {
    const known = endpoints.get(reference.registry);
    const candidates = known === undefined ? registryEndpoints(reference.registry) : [known];
    for (const [index, endpoint] of candidates.entries()) {
      try {
        const response = await getFrom(endpoint, reference.repository, path, options);
        endpoints.set(reference.registry, endpoint);
        return response;
      } catch (error) {
        if (index === candidates.length - 1 || !isNoTls(error)) throw error;
      }
    }
    throw new TypeError('a registry has at least one endpoint');
  }

  async function read(
    reference: Reference,
    path: string,
    options: FetchOptions & { readonly max: number },
  ): ReturnType<Fetcher['read']> {
    for (let tried = 1; ; tried++) {
      const response = await get(reference, path, options);
      try {
        return { response, bytes: await readBody(response, options.max) };
      } catch (error) {
        options.signal?.throwIfAborted();
        if (tried === maxTries || !isPassingError(error)) throw connectionError(response.url, error);
        await backOff(tried, undefined, { delayMs: retryDelayMs, signal: options.signal });
      }
    }
  }

  async function getFrom(
    endpoint: URL,
    repository: string,
    path: string,
    options: FetchOptions,
  ): Promise<HttpResponse> {
    const url = new URL(`/v2/${repository}/${path}`, endpoint);
    const key = `${endpoint.origin}/${repository}`;
    let token = await freshToken(key);
    for (let authenticated = 0; ; authenticated++) {
      const authorization = token === undefined ? undefined : `Bearer ${token.value}`;
      const response = await patientGet(url, { ...options, authorization });
      if (response.status !== 401) return response;
      response.body.destroy();
      const challenge = parseChallenges(response.headers['www-authenticate']).find(({ scheme }) => scheme === 'bearer');
      if (challenge === undefined || authenticated > 0) throw accessDenied(endpoint, repository);
      const { signal } = options;
      const request = requestToken((realm) => patientGet(realm, { signal }), challenge, {
        endpoint,
        repository,
        signal,
      });
      tokens.set(key, request);
      token = await request.catch((error: unknown) => {
        tokens.delete(key);
        throw error;
      });
    }
  }

  async function freshToken(key: string): Promise<Token | undefined> {
    const token = await tokens.get(key)?.catch(() => undefined);
    return token !== undefined && token.expires > Date.now() + 5000 ? token : undefined;
  }

  async function patientGet(
    url: URL,
    options: FetchOptions & { readonly authorization?: string | undefined },
  ): Promise<HttpResponse> {
    const retry = { delayMs: retryDelayMs, signal: options.signal };
    for (let tried = 1; ; tried++) {
      let response: HttpResponse;
      try {
        response = await redirectedGet(transport, url, { ...options, failing });
      } catch (error) {
        options.signal?.throwIfAborted();
        if (tried === maxTries || !isPassingError(error instanceof Error ? error.cause : undefined)) throw error;
        await backOff(tried, undefined, retry);
        continue;
      }
      if (!isPassingStatus(response.status)) return response;
      response.body.destroy();
      if (tried === maxTries) throw givenUp(response, tried);
      await backOff(tried, response.headers['retry-after'], retry);
    }
  }

  return { get, read };
}

const failing = { connection: connectionError, redirect: registryError } as const;

function givenUp({ url, status }: HttpResponse, tried: number): Error {
  const isLimit = status === 429;
  return registryError(
    `${url.host}: ${isLimit ? 'too many requests' : 'the registry is in trouble'} (status ${status}), ${tried} times`,
    {
      hint: isLimit
        ? 'The registry limits how often anonymous users may pull: wait, or use a mirror.'
        : 'Try again later.',
      details: { status },
    },
  );
}

/** What a plain http registry looks like to an https client, or one on port 80 when no port was named. */
function isNoTls(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  if (isCertificateError(cause)) return false;
  const code = errnoOf(cause);
  return code !== undefined && (['EPROTO', 'ECONNRESET', 'ECONNREFUSED'].includes(code) || code.startsWith('ERR_SSL_'));
}
