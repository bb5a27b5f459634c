import { basename, dirname, posix } from 'node:path';
import { redactUrl } from '../../dockerfile/redact-url.ts';
import { TbuildError } from '../../errors.ts';
import { sha256Hex } from '../../native/sha256.ts';
import type { Digest } from '../../oci/digest.ts';
import { digestFromHex } from '../../oci/digest.ts';
import type { BuildAccess } from '../access.ts';
import type { Tell } from '../paced.ts';
import type { TransferSource } from '../steps/copy-step.ts';
import type { SourceSet } from '../transfer/source.ts';
import { fetchUrl } from './fetch-url.ts';
import type { FetchedUrl, UrlRequest } from './fetch-url.ts';

export interface UrlSourceRequest {
  /** As it is written, credentials included. */
  readonly text: string;
  readonly checksum: string | undefined;
  readonly unpack: boolean;
  /** What the file is called. @default the last part of the URL's path */
  readonly name?: string | undefined;
  readonly tell: Tell;
}

/**
 * A file that a URL names. The server is asked on each build whether it has changed, unless a checksum says what it must be; its content is downloaded only when a step needs it.
 * It is written with mode 0600, the time of Last-Modified or 0, and the last part of the URL's path for a name (as docker build).
 */
export function urlSource(
  access: BuildAccess,
  { text, checksum, unpack, tell, name = fileName(text) }: UrlSourceRequest,
): TransferSource {
  const request: UrlRequest = { ...urlRequest(text), checksum: checksum as Digest | undefined, onProgress: tell };
  const { shown } = request;
  const identify = (): Promise<FetchedUrl> => fetchUrl(access, request, 'identity');
  const digestOf = ({ sha256 }: FetchedUrl): string => sha256Hex(JSON.stringify(['url', name, sha256]));
  return {
    origin: shown,
    digest: async () => digestOf(await identify()),
    remote: async () => ({ [`the content of ${shown}`]: `sha256:${(await identify()).sha256}` }),
    async select() {
      const fetched = await fetchUrl(access, request, 'content');
      const path = access.store.blobPath(digestFromHex(fetched.sha256));
      return itemSet({ fetched, name, shown, unpack, path }, digestOf(fetched));
    },
    withChanges: () => {
      throw new TbuildError('TBUILD_STORE_CORRUPT', `what was downloaded from ${shown} has changed in the store`, {
        hint: 'Something has written into the store: remove the file that is named, and build again.',
      });
    },
    describe: ({ items }) => {
      const [entry] = items[0]?.entries ?? [];
      return entry?.type === 'file' && entry.content.kind === 'copy'
        ? `${encodeURI(shown)} f 600 sha256=${entry.content.sha256}\n`
        : '';
    },
    explain: (error) => error,
  };
}

interface Found {
  readonly fetched: FetchedUrl;
  readonly name: string;
  readonly shown: string;
  readonly unpack: boolean;
  /** Of the blob. */
  readonly path: string;
}

function itemSet({ fetched, name, shown, unpack, path }: Found, digest: string): SourceSet {
  const { sha256, size, lastModified } = fetched;
  const attributes = { path: '', mode: 0o600, uid: 0, gid: 0, mtime: secondsOf(lastModified), xattrs: {} };
  const content = { kind: 'copy', source: 0, path: basename(path), sha256 } as const;
  return {
    digest,
    items: [
      { name, source: shown, unpack, entries: [{ ...attributes, type: 'file', size, hardlink: undefined, content }] },
    ],
    roots: [dirname(path)],
  };
}

function secondsOf(date: string | undefined): number {
  const milliseconds = date === undefined ? Number.NaN : Date.parse(date);
  return Number.isNaN(milliseconds) ? 0 : Math.floor(milliseconds / 1000);
}

/** The last part of the path, as BuildKit takes it from the text: `__unnamed__` where there is none. */
function fileName(text: string): string {
  const path = /^[^:]*:\/\/[^/?#]*([^?#]*)/.exec(text)?.[1] ?? '';
  let decoded = path;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    // What is not encoded stands for itself.
  }
  const name = posix.basename(decoded);
  if (name === '' || name === '.') return '__unnamed__';
  return name === '..' || name.includes('\0') ? 'download' : name;
}

/** Without credentials and query, which may be a secret as well. */
function shownAddress(text: string): string {
  return redactUrl(text).replace(/\?.*$/s, '').replace(/#.*$/s, '');
}

/** Of a URL as it was written. */
export function urlRequest(text: string): Pick<UrlRequest, 'url' | 'authorization' | 'shown'> {
  const shown = shownAddress(text);
  const url = new URL(text);
  const { username, password } = url;
  url.username = '';
  url.password = '';
  url.hash = '';
  if (username === '' && password === '') return { url, authorization: undefined, shown };
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { url, authorization: `Basic ${Buffer.from(pair).toString('base64')}`, shown };
}
