import { createHash } from 'node:crypto';
import { TbuildError } from '../../errors.ts';
import type { FactReader } from '../../cache/facts.ts';
import type { Helper, WriteEntry } from '../../native/helper-types.ts';
import { decompress, isTarArchive } from '../../tar/decompress.ts';
import { layerEntries } from '../../tar/layer-entries.ts';
import type { LayerEntriesOptions } from '../../tar/layer-entries.ts';
import { readTar } from '../../tar/read-tar.ts';
import { copyItem } from './plan-copy.ts';
import type { CopyPlan, CopyRequest } from './plan-copy.ts';
import { createPlacer, defaultDirectoryMode } from './placer.ts';
import type { Ownership, Placer } from './placer.ts';
import { readSource } from './source-bytes.ts';
import type { ChangedSource, SourceEntry, SourceItem } from './source.ts';
import { join } from './walk.ts';

type FileEntry = Extract<SourceEntry, { type: 'file' }>;

export interface AddRequest extends CopyRequest {
  /** Reads what this process may not. */
  readonly helper: Pick<Helper, 'read'>;
}

/** What ADD writes: archives are unpacked into the destination directory, everything else is copied. Facts and changes are complete when all entries have been taken. */
export function planAdd(request: AddRequest, reader: FactReader): CopyPlan {
  const placer = createPlacer(reader, request.ownership);
  const changed: ChangedSource[] = [];
  return { entries: addEntries(request, { placer, reader, changed }), rootAttributes: placer.rootAttributes, changed };
}

interface Adding {
  readonly placer: Placer;
  readonly reader: FactReader;
  readonly changed: ChangedSource[];
}

async function* addEntries(request: AddRequest, adding: Adding): AsyncGenerator<WriteEntry, void, undefined> {
  for (const item of request.items) {
    const archive = await asArchive(item, request);
    if (archive === undefined) yield* copyItem(item, request, adding.placer);
    else yield* unpack(archive, request, adding);
  }
}

interface Archive {
  readonly file: FileEntry;
  readonly bytes: () => AsyncIterable<Uint8Array>;
}

/** Archives are recognised by content, never by name (Dockerfile reference, "ADD"). */
async function asArchive(item: SourceItem, { roots, helper, unpack }: AddRequest): Promise<Archive | undefined> {
  if (!(item.unpack ?? unpack)) return undefined;
  const [file] = item.entries;
  if (file?.type !== 'file' || file.content.kind !== 'copy') return undefined;
  const { source, path } = file.content;
  const bytes = (): AsyncIterable<Uint8Array> => readSource(helper, roots[source] ?? '', path);
  return (await isTarArchive(bytes())) ? { file, bytes } : undefined;
}

async function* unpack(
  { file, bytes }: Archive,
  request: AddRequest,
  adding: Adding,
): AsyncGenerator<WriteEntry, void, undefined> {
  const { placer } = adding;
  const walked = placer.walk(request.destination);
  yield* placer.above(walked, defaultDirectoryMode);
  const base = walked.physical;
  if (walked.entry === undefined && base !== '') {
    if (placer.directoryPlace(base) === 'absent') yield placer.newDirectory(base, defaultDirectoryMode);
  } else if (walked.entry !== undefined) {
    if (walked.entry.type !== 'directory') {
      throw new TbuildError('TBUILD_COPY', `/${base} is not a directory, so no archive can be unpacked into it`, {
        hint: 'remove it in an earlier step, or choose another destination',
      });
    }
    yield* placer.above({ ...walked, existing: [walked.entry], missing: [] });
  }
  const hash = createHash('sha256');
  let size = 0;
  const observed = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of bytes()) {
      hash.update(chunk);
      size += chunk.length;
      yield chunk;
    }
  };
  const options: LayerEntriesOptions = {
    whiteouts: 'refuse',
    destination: base,
    below: (inner) => below(placer, join(base, inner), inner),
  };
  for await (const entry of layerEntries(readTar(decompress(observed())), options)) {
    if (!isRoot(entry, base)) yield owned(entry, request.ownership);
  }
  const sha256 = hash.digest('hex');
  if (file.content.kind === 'copy' && sha256 !== file.content.sha256)
    adding.changed.push({ root: file.content.source, path: file.content.path, sha256, size });
}

function below(placer: Placer, path: string, inner: string): ReturnType<NonNullable<LayerEntriesOptions['below']>> {
  const entry = placer.find(inner === '' ? path.replace(/\/$/, '') : path);
  if (entry === undefined) return undefined;
  if (entry.type === 'directory')
    return { type: 'directory', mode: entry.mode, uid: entry.uid, gid: entry.gid, xattrs: entry.xattrs };
  return entry.type === 'symlink' ? { type: 'symlink', link: entry.link ?? '' } : { type: 'other' };
}

/** An archive's entry for its own root says nothing about the destination (as docker build). */
function isRoot(entry: WriteEntry, base: string): boolean {
  return entry.path === (base === '' ? '.' : base);
}

/** --chown holds for all that an archive brings; --chmod does not, nor for the directories on the way (as docker build). */
function owned(entry: WriteEntry, { owner }: Ownership): WriteEntry {
  if (owner === undefined || entry.type === 'whiteout' || entry.type === 'hardlink' || entry.type === 'parent')
    return entry;
  return { ...entry, ...owner };
}
