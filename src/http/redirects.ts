import { shownUrl } from './failure.ts';
import type { HttpResponse, Transport } from './transport.ts';

export interface RedirectedRequest {
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** The value of an Authorization header, for the first origin alone. */
  readonly authorization?: string | undefined;
  readonly signal: AbortSignal | undefined;
}

/** How failures become errors: with the code of whoever asks. */
export interface Failing {
  /** Node's error for a connection to `url`. */
  readonly connection: (url: URL, error: unknown) => Error;
  /** A redirect that is not followed. */
  readonly redirect: (message: string) => Error;
}

const maxRedirects = 10;

/** Follows redirects. Authorization goes to the first origin alone and is gone once that was left; https never leads to http. */
export async function redirectedGet(
  transport: Transport,
  start: URL,
  request: RedirectedRequest & { readonly failing: Failing },
): Promise<HttpResponse> {
  const { headers, signal, authorization, failing } = request;
  let url = start;
  let credentials = authorization === undefined ? {} : { authorization };
  for (let redirects = 0; ; redirects++) {
    if (url.origin !== start.origin) credentials = {};
    const sent = { ...headers, ...credentials };
    let response: HttpResponse;
    try {
      response = await transport.get(url, { headers: sent, signal });
    } catch (error) {
      signal?.throwIfAborted();
      throw failing.connection(url, error);
    }
    const location = response.headers.location;
    if (![301, 302, 303, 307, 308].includes(response.status) || location === undefined) return response;
    response.body.destroy();
    if (redirects === maxRedirects) {
      throw failing.redirect(`${shownUrl(start)}: more than ${maxRedirects} redirects`);
    }
    url = redirectTarget(url, location, failing);
  }
}

function redirectTarget(from: URL, location: string, failing: Failing): URL {
  const to = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  if (to === undefined || !/^https?:$/.test(to.protocol)) {
    throw failing.redirect(`${shownUrl(from)}: redirected to something that is no http URL`);
  }
  if (from.protocol === 'https:' && to.protocol === 'http:') {
    throw failing.redirect(`${shownUrl(from)}: redirected from https to plain http (${to.host}), which is refused`);
  }
  // What a server puts there is no credential of ours.
  to.username = '';
  to.password = '';
  return to;
}
