import type { GitAccess } from '../../git/run-git.ts';
import { redirectedGet } from '../../http/redirects.ts';
import type { Failing } from '../../http/redirects.ts';
import { createTransport } from '../../http/transport.ts';

/** What git asks for first (https://git-scm.com/docs/http-protocol). */
const firstRequest = '/info/refs';

/** Where the server says that the repository is, if that is with itself: nobody else gets the credentials. */
export async function movedTo({ source, authorization, signal }: GitAccess): Promise<string | undefined> {
  const start = new URL(`${source.remote}${firstRequest}?service=git-upload-pack`);
  const transport = createTransport({ stallMs: 30_000, ca: undefined });
  try {
    const { url, body } = await redirectedGet(transport, start, { authorization, signal, failing });
    body.destroy();
    const isSame = url.origin === start.origin && url.pathname.endsWith(firstRequest);
    return isSame ? `${url.origin}${url.pathname.slice(0, -firstRequest.length)}` : undefined;
  } catch {
    signal?.throwIfAborted();
    // What git says of it is told.
    return undefined;
  } finally {
    transport.close();
  }
}

const failing: Failing = {
  connection: (_, error) => error as Error,
  redirect: (message) => new Error(message),
};
