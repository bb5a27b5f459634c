import { open } from 'node:fs/promises';
import { shownGitSource } from '../../git/git-url.ts';
import type { GitSource } from '../../git/git-source.ts';
import { digestFromHex } from '../../oci/digest.ts';
import { staticKey } from '../../cache/key.ts';
import { sniffArchive } from '../../tar/decompress.ts';
import type { BuildAccess } from '../access.ts';
import type { Tell } from '../paced.ts';
import { fetchUrl } from '../sources/fetch-url.ts';
import type { FetchedUrl } from '../sources/fetch-url.ts';
import { gitSource } from '../sources/git-source.ts';
import type { TransferSource } from '../steps/copy-step.ts';
import { commitTree, findTree, keptTree } from '../sources/kept-tree.ts';
import { urlRequest, urlSource } from '../sources/url-source.ts';
import { unpackArchive } from './unpack-archive.ts';
import type { TreeSpec } from './context-spec.ts';
import { buildContextOrigin, namedOrigin } from './opened-contexts.ts';
import type { LayersPlace } from './opened-contexts.ts';

/** A tree from elsewhere. */
export interface RemoteTree extends LayersPlace {
  /** Where a URL is of no archive: what it gave. */
  readonly file?: FetchedUrl | undefined;
}

export interface RemoteRequest {
  /** The name of a named context; undefined: the build context. */
  readonly as: string | undefined;
  readonly tell: Tell;
  /** Called when something has to be fetched, once or more often. */
  readonly onFetch?: (() => void) | undefined;
}

/**
 * Fetches a repository or a URL into a layer of the store. The server is asked on each build; what is unchanged since another one is neither downloaded nor unpacked again.
 * Throws TBUILD_GIT, TBUILD_DOWNLOAD, TBUILD_ARCHIVE, TBUILD_SECRET and what the helper throws.
 */
export function remoteTree(
  access: BuildAccess,
  spec: Exclude<TreeSpec, { kind: 'directory' }>,
  request: RemoteRequest,
): Promise<RemoteTree> {
  return spec.kind === 'git' ? gitTree(access, spec.source, request) : urlTree(access, spec.text, request);
}

async function gitTree(
  given: BuildAccess,
  source: GitSource,
  { as, tell, onFetch }: RemoteRequest,
): Promise<RemoteTree> {
  const { options } = given;
  const access = as === undefined ? { ...given, options: { ...options, ssh: options.contextSsh } } : given;
  const { keepGitDir = false } = source;
  const taken = { exclude: [], chmod: undefined, setsOwner: false, as: 'copied', span: undefined } as const;
  const files = gitSource(access, { ...taken, source, keepGitDir });
  const told: TransferSource = {
    ...files,
    select() {
      onFetch?.();
      return files.select();
    },
  };
  try {
    const tree = await keptTree(access, { source: told, digest: await files.digest(), use: 'context', tell });
    const hint = `all that ${shownGitSource(source)} has at that commit counts, whatever .dockerignore says`;
    return { kind: 'layers', layers: [tree], hint };
  } finally {
    await files.release?.();
  }
}

async function urlTree(access: BuildAccess, text: string, { as, tell, onFetch }: RemoteRequest): Promise<RemoteTree> {
  const onProgress: Tell = (...progress) => {
    onFetch?.();
    tell(...progress);
  };
  const request = { ...urlRequest(text), checksum: undefined, onProgress };
  const { sha256 } = await fetchUrl(access, request, 'identity');
  const { userns } = await access.helper.info();
  const devices = userns === 'none' ? 'made' : 'omitted';
  const key = staticKey({ kind: 'unpacked archive', sha256, devices });
  const hint =
    'paths are relative to the root of the archive, and all that is in it counts, whatever .dockerignore says';
  const known = await findTree(access.store, key);
  if (known !== undefined) return { kind: 'layers', layers: [known], hint };
  const fetched = await fetchUrl(access, request, 'content');
  const { isArchive, all, close } = await sniffArchive(blobBytes(access, fetched));
  if (!isArchive) {
    await close();
    return fileTree(access, { text, as, tell }, fetched);
  }
  await using job = await access.store.createJob();
  const origin = as === undefined ? `${buildContextOrigin} ${request.shown}` : namedOrigin(as);
  const diff = await unpackArchive(access, all, { job, origin });
  const tree = await commitTree(access.store, job, { diff, key, use: 'context', origin: request.shown });
  return { kind: 'layers', layers: [tree], hint };
}

/** One file: docker calls that of the build context `context`. */
async function fileTree(
  access: BuildAccess,
  { text, as, tell }: RemoteRequest & { readonly text: string },
  file: FetchedUrl,
): Promise<RemoteTree> {
  const name = as === undefined ? 'context' : undefined;
  const source = urlSource(access, { text, checksum: undefined, unpack: false, name, tell });
  const tree = await keptTree(access, { source, digest: await source.digest(), use: 'context', tell });
  const hint =
    as === undefined
      ? 'the URL brought a Dockerfile alone, not an archive'
      : 'the URL is of one file, and of no archive';
  return { kind: 'layers', layers: [tree], hint, file };
}

async function* blobBytes(
  { store, signal }: BuildAccess,
  { sha256 }: FetchedUrl,
): AsyncGenerator<Buffer, void, undefined> {
  await using file = await open(store.blobPath(digestFromHex(sha256)));
  yield* file.createReadStream({ autoClose: false, signal }) as AsyncIterable<Buffer>;
}
