import { parseQuery } from './git-query.ts';
import type { GitSource } from './git-source.ts';

export type ParsedGitUrl =
  | { readonly kind: 'git'; readonly source: GitSource }
  /** A git URL, but not one that can be followed. */
  | { readonly kind: 'malformed'; readonly why: string };

/**
 * Reads the forms that BuildKit takes for git: `git://…`, `ssh://…`, `user@host:path`, and http(s) URLs whose path ends in `.git`; behind them `?ref=…&subdir=…` and `#ref:subdir`.
 * Undefined for everything else. Whatever would be an option of git or ssh is malformed.
 */
export function parseGitUrl(text: string): ParsedGitUrl | undefined {
  const parts = splitScp(text) ?? splitUrl(text);
  if (parts === undefined) return undefined;
  if ('why' in parts) return { kind: 'malformed', why: parts.why };
  const [fragmentRef = '', ...fragmentSubdir] = parts.fragment.split(':');
  const query = parseQuery(parts.query, { ref: fragmentRef, subdir: fragmentSubdir.join(':') });
  if (typeof query === 'string') return { kind: 'malformed', why: query };
  const why = unsafe(parts) ?? badRef(query.ref) ?? badChecksum(query.checksum);
  if (why !== undefined) return { kind: 'malformed', why };
  const { remote, protocol, host, credentials } = parts;
  return { kind: 'git', source: { remote, protocol, host, credentials, ...query } };
}

/** For people, and for what is kept: without credentials. */
export function shownGitSource({ remote, ref, subdir }: GitSource): string {
  const fragment = [ref ?? '', ...(subdir === '' ? [] : [subdir])].join(':');
  return fragment === '' ? remote : `${remote}#${fragment}`;
}

interface UrlParts {
  readonly remote: string;
  readonly protocol: GitSource['protocol'];
  readonly host: string;
  readonly user: string;
  readonly path: string;
  readonly credentials: GitSource['credentials'];
  readonly query: string;
  readonly fragment: string;
}

// `git@host:path?query#ref:subdir`
const scpForm = /^([a-zA-Z0-9-]+)@([a-zA-Z0-9.-]+):([^#?]*)(?:\?([^#]*))?(?:#(.*))?$/s;

function splitScp(text: string): UrlParts | { readonly why: string } | undefined {
  const [, user = '', host = '', path = '', query = '', fragment = ''] = scpForm.exec(text) ?? [];
  if (host === '') return undefined;
  // `git@https://…` is a URL that somebody has put a user in front of.
  if (path.startsWith('//')) return { why: 'its path is malformed' };
  return {
    remote: `${user}@${host}:${path}`,
    protocol: 'ssh',
    host,
    user,
    path,
    credentials: undefined,
    query,
    fragment: decoded(fragment),
  };
}

function splitUrl(text: string): UrlParts | { readonly why: string } | undefined {
  const protocol = /^(https?|ssh|git):\/\//i.exec(text)?.[1]?.toLowerCase() as GitSource['protocol'] | undefined;
  if (protocol === undefined) return undefined;
  const isHttp = protocol === 'http' || protocol === 'https';
  if (isHttp && !/^[^?#]*\.git(?:[?#]|$)/.test(text)) return undefined;
  // The URL class gives hosts of schemes that it does not know no meaning; http's are parsed as others need them.
  const rest = text.slice(text.indexOf('://'));
  if (!URL.canParse(`http${rest}`)) return { why: 'it is no valid URL' };
  const url = new URL(`http${rest}`);
  const authority = /^:\/\/([^/?#]*)/.exec(rest)?.[1] ?? '';
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  if (host === '') return { why: 'it names no host' };
  const path = /^:\/\/[^/?#]*([^?#]*)/.exec(rest)?.[1] ?? '';
  const user = decoded(url.username);
  const password = decoded(url.password);
  if (!isHttp && password !== '') return { why: `a password means nothing for ${protocol}` };
  const hasCredentials = isHttp && (user !== '' || password !== '');
  return {
    remote: `${protocol}://${user !== '' && !isHttp ? `${user}@` : ''}${host}${path}`,
    protocol,
    host,
    user: isHttp ? '' : user,
    path,
    credentials: hasCredentials ? { username: user, password } : undefined,
    query: url.search.slice(1),
    fragment: decoded(url.hash.slice(1)),
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Parts that git or ssh could take for an option, or that are no part of any address. */
function unsafe({ host, user, path }: UrlParts): string | undefined {
  if (!/^(?:[a-zA-Z0-9][a-zA-Z0-9.-]*|\[[0-9a-fA-F:.]+\])(?::\d+)?$/.test(host)) return 'its host is malformed';
  if (user !== '' && !/^[a-zA-Z0-9][a-zA-Z0-9._-]*$/.test(user)) return 'its user is malformed';
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u0020\u007f]/.test(path) || path.replace(/^\/+/, '').startsWith('-')) return 'its path is malformed';
  return undefined;
}

/** What git-check-ref-format(1) refuses, and what would be an option. */
function badRef(ref: string | undefined): string | undefined {
  if (ref === undefined) return undefined;
  // eslint-disable-next-line no-control-regex
  const isBad = /^[-+/.]|[\u0000-\u0020\u007f~^:?*[\\]|\.\.|\/\/|@\{|\/\.|\.lock(?:\/|$)|[/.]$|^@$/.test(ref);
  return isBad || ref.length > 255 ? `invalid git ref ${JSON.stringify(ref.slice(0, 300))}` : undefined;
}

function badChecksum(checksum: string | undefined): string | undefined {
  if (checksum === undefined || isChecksum(checksum)) return undefined;
  return `invalid checksum ${checksum.slice(0, 80)} for Git URL, expected hex commit hash`;
}

export function isChecksum(text: string): boolean {
  return /^[0-9a-f]{7,64}$/.test(text);
}

/** All digits of a commit's name, of SHA-1 or SHA-256. */
export function isFullCommit(text: string | undefined): text is string {
  return text !== undefined && /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text);
}
