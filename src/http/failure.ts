/** What went wrong with a connection, for people. */
export interface Failure {
  /** `connection refused (ECONNREFUSED): nothing listens there` */
  readonly text: string;
  readonly hint: string | undefined;
  readonly errno: string | undefined;
}

/** `error` is what Node's http reported. `server`: what it is that was asked, as in "the registry". */
export function describeFailure(error: unknown, server: string): Failure {
  const errno = errnoOf(error);
  const meaning = errno === undefined ? undefined : meanings[errno];
  const text = meaning ?? (error instanceof Error && error.message !== '' ? error.message : String(errno ?? error));
  return { text, hint: hintFor(errno, server), errno };
}

export function errnoOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** The origin and path: what may be printed of a URL that somebody else made. Never credentials, nor a query. */
export function shownUrl(url: URL): string {
  return `${url.origin}${url.pathname}`.slice(0, 300);
}

/** No answer within the time allowed. */
export const stalledCode = 'TBUILD_STALLED';

const meanings: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused (ECONNREFUSED): nothing listens there',
  ECONNRESET: 'the connection was reset (ECONNRESET)',
  EPIPE: 'the connection was closed (EPIPE)',
  ENOTFOUND: 'no such host (ENOTFOUND)',
  EAI_AGAIN: 'the name cannot be resolved at the moment (EAI_AGAIN)',
  ETIMEDOUT: 'no connection within the time allowed (ETIMEDOUT)',
  EHOSTUNREACH: 'the host cannot be reached (EHOSTUNREACH)',
  ENETUNREACH: 'the network cannot be reached (ENETUNREACH)',
  [stalledCode]: 'the connection stalled: nothing came for too long',
};

const certificateCodes: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_HAS_EXPIRED',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

export function isCertificateError(error: unknown): boolean {
  return certificateCodes.has(errnoOf(error) ?? '');
}

function hintFor(code: string | undefined, server: string): string | undefined {
  if (code === undefined) return undefined;
  if (certificateCodes.has(code)) {
    return `If ${server} has a private certificate authority, set NODE_EXTRA_CA_CERTS to a file with its certificate.`;
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return `Check the spelling of ${server}, and this machine's DNS.`;
  }
  if (code === 'ECONNREFUSED') return `Check the host and port, and that ${server} runs.`;
  return undefined;
}
