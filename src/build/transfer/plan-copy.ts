import { TbuildError } from '../../errors.ts';
import type { FactReader } from '../../cache/facts.ts';
import type { DirectoryAttributes, WriteEntry } from '../../native/helper-types.ts';
import { createPlacer, refuseWhiteoutName } from './placer.ts';
import type { Ownership, Placer } from './placer.ts';
import type { ChangedSource, SourceEntry, SourceItem } from './source.ts';
import { join } from './walk.ts';

export interface CopyRequest {
  readonly items: readonly SourceItem[];
  /** Absolute; a trailing slash says that it is a directory. */
  readonly destination: string;
  readonly ownership: Ownership;
  /** Absolute directories that `FileContent.source` counts. */
  readonly roots: readonly string[];
  /** What ADD does with archives of which the source does not say it. */
  readonly unpack: boolean;
}

export interface CopyPlan {
  readonly entries: Iterable<WriteEntry> | AsyncIterable<WriteEntry>;
  readonly rootAttributes: DirectoryAttributes;
  /** Files whose content was not what the key said, found while the entries were taken. */
  readonly changed: readonly ChangedSource[];
}

/** What COPY writes on a state, as entries of the helper's `write`. Everything that it reads of the state goes through `reader`: facts are complete when all entries have been taken. */
export function planCopy(request: CopyRequest, reader: FactReader): CopyPlan {
  const placer = createPlacer(reader, request.ownership);
  return { entries: copyItems(request, placer), rootAttributes: placer.rootAttributes, changed: [] };
}

function* copyItems(request: CopyRequest, placer: Placer): Generator<WriteEntry, void, undefined> {
  for (const item of request.items) yield* copyItem(item, request, placer);
}

/** Entries for one source item; ADD uses it for what is not an archive. */
export function* copyItem(
  item: SourceItem,
  request: CopyRequest,
  placer: Placer,
): Generator<WriteEntry, void, undefined> {
  const [first] = item.entries;
  if (first === undefined) return;
  const walked = placer.walk(request.destination);
  const placing = { ownership: request.ownership, placer };
  if (first.type === 'directory') {
    yield* placer.above(walked);
    yield* destinationDirectory(walked.physical, first, placer);
    const below = { ...placing, base: walked.physical };
    for (const entry of item.entries) {
      if (entry === first) continue;
      const path = join(walked.physical, entry.path);
      if (isPassed(entry) && placer.directoryPlace(path) === 'directory') yield* placer.passThrough(path, entry.mode);
      else yield placeEntry(path, entry, below);
    }
    return;
  }
  const isDirectory = walked.physical === '' || walked.entry?.type === 'directory';
  if (!isDirectory && !request.destination.endsWith('/')) {
    if (request.items.length > 1) throw severalOntoOne(walked.physical);
    yield* placer.above(walked);
    yield placeEntry(walked.physical, first, { ...placing, base: '' });
    return;
  }
  yield* placer.above(walked);
  if (walked.entry === undefined && walked.physical !== '' && placer.directoryPlace(walked.physical) === 'absent') {
    yield placer.newDirectory(walked.physical);
  } else if (walked.entry !== undefined) {
    if (walked.entry.type !== 'directory') throw conflict(walked.physical, 'is not a directory');
    yield* placer.above({ ...walked, existing: [walked.entry], missing: [] });
  }
  yield placeEntry(join(walked.physical, item.name), first, { ...placing, base: walked.physical });
}

/** The directory whose contents a source directory fills: an existing one keeps mode and owner, a new one gets the defaults; both take the source's time. */
function destinationDirectory(path: string, source: SourceEntry, placer: Placer): WriteEntry[] {
  if (path === '') return [];
  const existing = placer.find(path);
  const place = placer.directoryPlace(path);
  if (place === 'other') throw conflict(path, 'is not a directory');
  placer.put(path, 'directory');
  if (existing !== undefined) {
    const { mode, uid, gid, xattrs } = existing;
    return [{ type: 'directory', path, mode, uid, gid, xattrs, mtime: source.mtime }];
  }
  const made = placer.newDirectory(path);
  return [made.type === 'directory' ? { ...made, mtime: source.mtime } : made];
}

function isPassed(entry: SourceEntry): boolean {
  return entry.type === 'directory' && entry.passed;
}

interface Placing {
  readonly ownership: Ownership;
  readonly placer: Placer;
  /** Where the item's own root goes: hard links inside it are relative to that. */
  readonly base: string;
}

function placeEntry(path: string, entry: SourceEntry, { ownership, placer, base }: Placing): WriteEntry {
  if (entry.type === 'directory') {
    if (placer.directoryPlace(path) === 'other') throw conflict(path, 'is not a directory');
    placer.put(path, 'directory');
  } else {
    if (placer.filePlace(path) === 'directory')
      throw conflict(path, 'is a directory, and a directory is not replaced by a file');
    placer.put(path, 'other');
  }
  return toWriteEntry(path, entry, { ownership, base });
}

/** What the helper is told to write. */
export function toWriteEntry(
  path: string,
  entry: SourceEntry,
  { ownership: { owner, chmod }, base }: Pick<Placing, 'ownership' | 'base'>,
): WriteEntry {
  refuseWhiteoutName(path);
  const { uid, gid } = owner ?? entry;
  const { mtime, xattrs } = entry;
  const mode = chmod?.apply(entry.mode, entry.type === 'directory') ?? entry.mode;
  switch (entry.type) {
    case 'directory':
    case 'fifo':
      return { type: entry.type, path, mode, uid, gid, mtime, xattrs };
    case 'symlink':
      return { type: 'symlink', path, mode: 0o777, uid, gid, mtime, xattrs, link: entry.link };
    case 'character':
    case 'block': {
      const { type, major, minor } = entry;
      return { type, path, mode, uid, gid, mtime, xattrs, major, minor };
    }
    case 'file':
      if (entry.hardlink !== undefined) return { type: 'hardlink', path, link: join(base, entry.hardlink) };
      return { type: 'file', path, mode, uid, gid, mtime, xattrs, content: entry.content };
  }
}

/** docker writes them all to the one path, so that only the last is left. */
function severalOntoOne(path: string): TbuildError {
  return new TbuildError('TBUILD_COPY', `/${path} is no directory, and there are several sources`, {
    hint: 'end the destination with / to make it one',
    details: { path: `/${path}` },
  });
}

function conflict(path: string, what: string): TbuildError {
  return new TbuildError('TBUILD_COPY', `/${path} ${what}`, {
    hint: 'remove it in an earlier step, or choose another destination',
    details: { path: `/${path}` },
  });
}
