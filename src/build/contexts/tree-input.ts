import { isAbsolute } from 'node:path';
import { TbuildError } from '../../errors.ts';
import { digestFromHex } from '../../oci/digest.ts';
import { mergedView } from '../../store/merged.ts';
import { sniffArchive } from '../../tar/decompress.ts';
import type { Cleanup } from '../../util/cleanup.ts';
import { ioError } from '../../util/io-error.ts';
import { untilAborted } from '../../util/until-aborted.ts';
import type { BuildAccess } from '../access.ts';
import type { BuildSource } from '../input.ts';
import {
  checkContext,
  dockerfileTooLarge,
  isRemoteDockerfile,
  maxDockerfileSize,
  readDockerfile,
} from '../load-dockerfile.ts';
import type { DockerfileBytes } from '../load-dockerfile.ts';
import type { FetchedUrl } from '../sources/fetch-url.ts';
import type { ContextPlace, LayersPlace } from './opened-contexts.ts';

/** A context, and the Dockerfile where that is all that it brought. */
interface FoundContext {
  readonly place: ContextPlace;
  readonly alone: DockerfileBytes | undefined;
}

/**
 * What a build starts from where not both are on this machine: a context on standard input, in a repository or behind a URL, a Dockerfile on standard input or behind a URL. A tar is told from a Dockerfile
 * by content, as docker does. As with docker, `.dockerignore` counts in a directory alone: of everything else somebody has chosen already what is in it.
 */
export async function openTreeSource(access: BuildAccess, cleanup: Cleanup): Promise<BuildSource> {
  const { place, alone } = await findContext(access, cleanup);
  if (alone !== undefined && access.options.dockerfile !== undefined) throw twoDockerfiles(access);
  const { path, bytes } = alone ?? (await findDockerfile(access, place));
  return { path, bytes, text: bytes.toString('utf8'), context: place };
}

async function findContext(access: BuildAccess, cleanup: Cleanup): Promise<FoundContext> {
  const { context } = access.options;
  switch (context.kind) {
    case 'directory':
      checkContext(context.path);
      return { place: { kind: 'directory', root: context.path, dockerfile: undefined }, alone: undefined };
    case 'stdin':
      return fromStdin(access, (stream) => stdinContext(access, stream, cleanup));
    case 'git':
    case 'url': {
      const { remoteTree } = await import('./remote-tree.ts');
      const path = access.options.contextName;
      const onFetch = once(() => access.emit({ type: 'context:fetch', context: path }));
      const { file, ...place } = await remoteTree(access, context, { as: undefined, tell: () => {}, onFetch });
      return { place, alone: file === undefined ? undefined : await readFetched(access, path, file) };
    }
  }
}

function once(call: () => void): () => void {
  let isCalled = false;
  return () => {
    if (!isCalled) call();
    isCalled = true;
  };
}

/** As compilers call it. */
const stdinName = '<stdin>';

async function stdinContext(
  access: BuildAccess,
  stream: AsyncIterable<Uint8Array>,
  cleanup: Cleanup,
): Promise<FoundContext> {
  const { isArchive, all, close } = await sniffArchive(stream);
  if (isArchive) {
    const { unpackArchive } = await import('./unpack-archive.ts');
    const job = cleanup.use(await access.store.createJob());
    const diff = await unpackArchive(access, all, { job, origin: 'the build context on standard input' });
    const hint = 'paths are relative to the root of the tar, and all that is in it counts, whatever .dockerignore says';
    return { place: { kind: 'layers', layers: [job.holdLayer(diff)], hint }, alone: undefined };
  }
  if (access.options.dockerfile !== undefined) {
    await close();
    throw twoDockerfiles(access);
  }
  const hint = 'standard input brought a Dockerfile alone: give a directory too, and the Dockerfile with -f -';
  return { place: { kind: 'layers', layers: [], hint }, alone: { path: stdinName, bytes: await readText(all) } };
}

function twoDockerfiles({ options }: BuildAccess): TbuildError {
  const source = options.context.kind === 'stdin' ? 'stdin' : 'the URL';
  const what = options.context.kind === 'stdin' ? 'standard input' : options.contextName;
  return new TbuildError(
    'TBUILD_USAGE',
    `ambiguous Dockerfile source: both ${source} and flag correspond to Dockerfiles`,
    { hint: `${what} is no tar archive: leave out -f, or give ${source === 'stdin' ? '-f - and ' : ''}a context` },
  );
}

async function findDockerfile(access: BuildAccess, place: ContextPlace): Promise<DockerfileBytes> {
  const { dockerfile, context } = access.options;
  if (dockerfile === '-') {
    return fromStdin(access, async (stream) => ({ path: stdinName, bytes: await readText(stream) }));
  }
  if (isRemoteDockerfile(dockerfile)) return dockerfileFromUrl(access, dockerfile);
  if (place.kind === 'directory') throw new TypeError('a Dockerfile of a directory is read without this');
  // Beside a URL an absolute path is one of this machine, as in docker.
  const isOutside = context.kind !== 'stdin' && dockerfile !== undefined && isAbsolute(dockerfile);
  return isOutside ? readDockerfile({ context: '/', dockerfile }) : dockerfileIn(access, place);
}

async function dockerfileFromUrl(access: BuildAccess, text: string): Promise<DockerfileBytes> {
  if (!URL.canParse(text)) throw new TbuildError('TBUILD_USAGE', `-f ${JSON.stringify(text)} is no valid URL`);
  const { fetchUrl } = await import('../sources/fetch-url.ts');
  const { urlRequest } = await import('../sources/url-source.ts');
  const request = { ...urlRequest(text), checksum: undefined, onProgress: () => {} };
  return readFetched(access, request.shown, await fetchUrl(access, request, 'content'));
}

async function readFetched(
  { store }: BuildAccess,
  path: string,
  { sha256, size }: FetchedUrl,
): Promise<DockerfileBytes> {
  if (size > maxDockerfileSize) throw dockerfileTooLarge(path);
  return { path, bytes: await store.readBlob(digestFromHex(sha256)) };
}

async function dockerfileIn(
  { options, store, helper }: BuildAccess,
  { layers }: LayersPlace,
): Promise<DockerfileBytes> {
  const view = mergedView(layers, (id) => store.listing(id));
  const candidates = options.dockerfile === undefined ? ['Dockerfile', 'dockerfile'] : [options.dockerfile];
  for (const path of candidates) {
    const found = view.resolve(path, { followLast: true });
    if (found.entry === undefined) continue;
    if (found.entry.type !== 'file') {
      throw new TbuildError('TBUILD_DOCKERFILE_NOT_FOUND', `${path} in the build context is not a regular file`);
    }
    if (found.entry.size > maxDockerfileSize) throw dockerfileTooLarge(path);
    const root = store.diffDirectory(view.layerOf(found.path) ?? '');
    const bytes = await helper.read({ root, path: found.path, max: maxDockerfileSize });
    return { path, bytes: bytes ?? Buffer.alloc(0) };
  }
  const { context, contextName } = options;
  const where = context.kind === 'stdin' ? 'the tar on standard input' : contextName;
  throw new TbuildError('TBUILD_DOCKERFILE_NOT_FOUND', `there is no ${candidates[0]} in ${where}`, {
    hint: context.kind === 'git' ? 'give its path in the context with -f' : 'give its path in the archive with -f',
    details: { looked: candidates },
  });
}

async function fromStdin<T>(
  { options, signal }: BuildAccess,
  read: (stream: AsyncIterable<Uint8Array>) => Promise<T>,
): Promise<T> {
  if (options.stdin === undefined) {
    throw new TbuildError('TBUILD_USAGE', 'the build reads standard input (-), and none was given', {
      hint: 'give the stream as the option stdin',
    });
  }
  try {
    return await read(untilAborted(options.stdin, signal));
  } catch (error) {
    throw ioError(error, 'read', 'standard input');
  }
}

async function readText(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of stream) {
    size += part.byteLength;
    if (size > maxDockerfileSize) throw dockerfileTooLarge('standard input');
    parts.push(part);
  }
  return Buffer.concat(parts);
}
