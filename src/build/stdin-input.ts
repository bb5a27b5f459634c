import { TbuildError, isTbuildError } from '../errors.ts';
import { mergedView } from '../store/merged.ts';
import type { LayerState } from '../store/types.ts';
import { decompress, sniffArchive } from '../tar/decompress.ts';
import { layerEntries } from '../tar/layer-entries.ts';
import type { Omission } from '../tar/layer-entries.ts';
import { readTar } from '../tar/read-tar.ts';
import type { Cleanup } from '../util/cleanup.ts';
import { ioError } from '../util/io-error.ts';
import { untilAborted } from '../util/until-aborted.ts';
import type { ContextPlace } from './context.ts';
import { withDockerfileText } from './input.ts';
import type { BuildInput, InputAccess } from './input.ts';
import { checkContext, dockerfileTooLarge, maxDockerfileSize, parseKept } from './load-dockerfile.ts';
import { warnOfDevices } from './omitted-devices.ts';

/**
 * `tbuild build -` and `-f -`: a Dockerfile for a context directory, a Dockerfile without a context, or a tar that is the context, told apart as docker does (by content).
 * As with docker, files of a tar keep their owners, and `.dockerignore` is a file like any other: whoever made the tar chose what is in it.
 */
export async function openStdinInput(access: InputAccess, cleanup: Cleanup): Promise<BuildInput> {
  try {
    return await readInput(access, cleanup);
  } catch (error) {
    throw ioError(error, 'read', 'standard input');
  }
}

async function readInput(access: InputAccess, cleanup: Cleanup): Promise<BuildInput> {
  const { options, signal } = access;
  if (options.stdin === undefined) {
    throw new TbuildError('TBUILD_USAGE', 'the build reads standard input (-), and none was given', {
      hint: 'give the stream as the option stdin',
    });
  }
  const stream = untilAborted(options.stdin, signal);
  if (options.dockerfile === '-') {
    checkContext(options.context);
    const context = { kind: 'directory', root: options.context, dockerfile: undefined } as const;
    return parsedInput(access, { path: stdinName, bytes: await readText(stream), context });
  }
  const { isArchive, all, close } = await sniffArchive(stream);
  if (isArchive) return archiveInput(access, all, cleanup);
  if (options.dockerfile === undefined) {
    return parsedInput(access, {
      path: stdinName,
      bytes: await readText(all),
      context: { kind: 'layers', layers: [] },
    });
  }
  await close();
  throw new TbuildError('TBUILD_USAGE', 'ambiguous Dockerfile source: both stdin and flag correspond to Dockerfiles', {
    hint: 'standard input is no tar archive: leave out -f, or give -f - and a context',
  });
}

/** As compilers call it. */
const stdinName = '<stdin>';

async function archiveInput(
  access: InputAccess,
  stream: AsyncIterable<Uint8Array>,
  cleanup: Cleanup,
): Promise<BuildInput> {
  const { options, store, helper } = access;
  const layer = await unpackContext(access, stream, cleanup);
  const view = mergedView([layer], (id) => store.listing(id));
  const candidates = options.dockerfile === undefined ? ['Dockerfile', 'dockerfile'] : [options.dockerfile];
  for (const path of candidates) {
    const found = view.resolve(path, { followLast: true });
    if (found.entry === undefined) continue;
    if (found.entry.type !== 'file') {
      throw new TbuildError('TBUILD_DOCKERFILE_NOT_FOUND', `${path} in the build context is not a regular file`);
    }
    if (found.entry.size > maxDockerfileSize) throw dockerfileTooLarge(path);
    const root = store.diffDirectory(layer.layer);
    const bytes = await helper.read({ root, path: found.path, max: maxDockerfileSize });
    return parsedInput(access, {
      path,
      bytes: bytes ?? Buffer.alloc(0),
      context: { kind: 'layers', layers: [layer] },
    });
  }
  throw new TbuildError('TBUILD_DOCKERFILE_NOT_FOUND', `there is no ${candidates[0]} in the tar on standard input`, {
    hint: 'give its path in the archive with -f',
    details: { looked: candidates },
  });
}

/** Unpacks the tar into a job of the store, as a layer that goes with it. */
async function unpackContext(
  { store, helper, signal, emit }: InputAccess,
  stream: AsyncIterable<Uint8Array>,
  cleanup: Cleanup,
): Promise<LayerState> {
  const job = cleanup.use(await store.createJob());
  const { userns } = await helper.info();
  const omissions: Omission[] = [];
  const entries = layerEntries(readTar(decompress(stream)), {
    whiteouts: 'refuse',
    devices: userns === 'none' ? 'make' : 'omit',
    onOmitted: (omission) => omissions.push(omission),
  });
  const rootAttributes = { mode: 0o755, uid: 0, gid: 0, xattrs: {} };
  try {
    const diff = await helper.write({ diff: job.diff, rootAttributes, tar: false, signal }, entries);
    warnOfDevices(emit, omissions, { origin: 'the build context', span: undefined });
    return job.holdLayer(diff);
  } catch (error) {
    throw ofContext(error);
  }
}

function ofContext(error: unknown): unknown {
  if (isTbuildError(error, 'TBUILD_CHOWN')) {
    return new TbuildError('TBUILD_CHOWN', `the build context on standard input: ${error.message}`, {
      cause: error,
      hint: 'make the tar with --owner=0 --group=0, or get ranges of ids in /etc/subuid and /etc/subgid',
      details: error.details,
    });
  }
  if (!isTbuildError(error, 'TBUILD_ARCHIVE')) return error;
  const { hint, details } = error;
  return new TbuildError('TBUILD_ARCHIVE', `the build context on standard input: ${error.message}`, {
    cause: error,
    hint,
    details,
  });
}

async function parsedInput(
  { store, options }: InputAccess,
  { path, bytes, context }: { readonly path: string; readonly bytes: Buffer; readonly context: ContextPlace },
): Promise<BuildInput> {
  const text = bytes.toString('utf8');
  try {
    return { dockerfile: await parseKept(store, { path, bytes, options }), path, bytes, text, context };
  } catch (error) {
    throw withDockerfileText(error, { path, text });
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
