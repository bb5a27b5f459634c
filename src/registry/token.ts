import { TbuildError } from '../errors.ts';
import type { Challenge } from './challenge.ts';
import { shownUrl } from '../http/failure.ts';
import { connectionError, registryError } from './registry-error.ts';
import { readBody } from '../http/transport.ts';
import type { HttpResponse } from '../http/transport.ts';

export interface Token {
  readonly value: string;
  /** Milliseconds since the epoch. */
  readonly expires: number;
}

/** A GET that follows redirects and retries, without credentials. */
export type AnonymousGet = (url: URL, signal: AbortSignal | undefined) => Promise<HttpResponse>;

/**
 * Asks the realm of a bearer challenge for an anonymous token (distribution spec, "Token Authentication").
 * @param endpoint the registry that sent the challenge: unless it is plain http itself, the realm must be https
 * @param repository asked for when the challenge names no scope
 * Throws TBUILD_REGISTRY_AUTH when no token is given, TBUILD_REGISTRY when the realm is unusable.
 */
export async function requestToken(
  get: AnonymousGet,
  challenge: Challenge,
  {
    endpoint,
    repository,
    signal,
  }: { readonly endpoint: URL; readonly repository: string; readonly signal: AbortSignal | undefined },
): Promise<Token> {
  const url = realmUrl(challenge, endpoint);
  const service = challenge.parameters.get('service');
  if (service !== undefined) url.searchParams.set('service', service);
  url.searchParams.set('scope', challenge.parameters.get('scope') ?? `repository:${repository}:pull`);
  const response = await get(url, signal);
  let body: Buffer | undefined;
  try {
    body = await readBody(response, maxTokenBody);
  } catch (error) {
    signal?.throwIfAborted();
    throw connectionError(url, error);
  }
  if (response.status !== 200) throw refused(url, response.status, endpoint, repository);
  return tokenOf(body, url);
}

const maxTokenBody = 1024 * 1024;
/** The spec's default when an answer names none. */
const defaultLifetime = 60;

function realmUrl(challenge: Challenge, endpoint: URL): URL {
  const realm = challenge.parameters.get('realm') ?? '';
  const url = URL.canParse(realm) ? new URL(realm) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') {
    throw registryError(`${endpoint.host}: its token service ${JSON.stringify(realm.slice(0, 200))} is no http URL`);
  }
  if (url.protocol === 'http:' && endpoint.protocol === 'https:') {
    throw registryError(`${endpoint.host}: its token service ${shownUrl(url)} is not https`, {
      hint: 'Tokens are not fetched over a connection that others can read.',
    });
  }
  return url;
}

function refused(url: URL, status: number, endpoint: URL, repository: string): TbuildError {
  if (status === 400 || status === 401 || status === 403) return accessDenied(endpoint, repository);
  return registryError(`${shownUrl(url)}: the token service answered with status ${status}`);
}

/** What docker says, too: registries do not tell "private" from "does not exist". */
export function accessDenied(endpoint: URL, repository: string): TbuildError {
  return new TbuildError(
    'TBUILD_REGISTRY_AUTH',
    `${endpoint.host}/${repository}: access denied, or no such repository`,
    {
      hint: 'Check the spelling. Private images cannot be pulled yet: save one with another tool and give it as --build-context NAME=oci-layout://PATH.',
    },
  );
}

function tokenOf(body: Buffer | undefined, url: URL): Token {
  let answer: unknown;
  try {
    answer = JSON.parse(body?.toString() ?? '');
  } catch (cause) {
    throw registryError(`${shownUrl(url)}: the token service's answer is not JSON`, { cause });
  }
  const { token, access_token: accessToken, expires_in: lifetime } = (answer ?? {}) as Record<string, unknown>;
  const value = token ?? accessToken;
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value)) {
    throw registryError(`${shownUrl(url)}: the token service gave no token`);
  }
  const seconds = typeof lifetime === 'number' && lifetime > 0 ? lifetime : defaultLifetime;
  return { value, expires: Date.now() + seconds * 1000 };
}
