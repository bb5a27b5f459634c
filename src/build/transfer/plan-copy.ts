import { TbuildError } from '../../errors.ts';
import type { FactReader } from '../../cache/facts.ts';
import type { ChangedFile, DirectoryAttributes, WriteEntry } from '../../native/helper-types.ts';
import { createPlacer, refuseWhiteoutName } from './placer.ts';
import type { Ownership, Placer } from './placer.ts';
import type { SourceEntry, SourceItem } from './source.ts';
import { join } from './walk.ts';

export interface CopyRequest {
  readonly items: readonly SourceItem[];
  /** Absolute; a trailing slash says that it is a directory. */
  readonly destination: string;
  readonly ownership: Ownership;
  /** Absolute directories that `FileContent.source` counts. */
  readonly roots: readonly string[];
}

export interface CopyPlan {
  readonly entries: Iterable<WriteEntry> | AsyncIterable<WriteEntry>;
  readonly rootAttributes: DirectoryAttributes;
  /** Files whose content was not what the key said, found while the entries were taken. */
  readonly changed: readonly ChangedFile[];
}

/** What COPY writes on a state, as entries of the helper's `write`. Everything that it reads of the state goes through `reader`. Pure. */
export function planCopy(request: CopyRequest, reader: FactReader): CopyPlan {
  const placer = createPlacer(reader, request.ownership);
  const entries: WriteEntry[] = [];
  for (const item of request.items) entries.push(...copyItem(item, request, placer));
  return { entries, rootAttributes: placer.rootAttributes, changed: [] };
}

/** Entries for one source item; ADD uses it for what is not an archive. */
export function copyItem(item: SourceItem, request: CopyRequest, placer: Placer): WriteEntry[] {
  const [first] = item.entries;
  if (first === undefined) return [];
  const walked = placer.walk(request.destination);
  const placing = { ownership: request.ownership, placer };
  if (first.type === 'directory') {
    const entries = placer.above(walked);
    entries.push(...destinationDirectory(walked.physical, first, placer));
    for (const entry of item.entries.slice(1))
      entries.push(placeEntry(join(walked.physical, entry.path), entry, { ...placing, base: walked.physical }));
    return entries;
  }
  const isDirectory = walked.physical === '' || walked.entry?.type === 'directory';
  if (!isDirectory && !request.destination.endsWith('/')) {
    if (request.items.length > 1) throw severalOntoOne(walked.physical);
    return [...placer.above(walked), placeEntry(walked.physical, first, { ...placing, base: '' })];
  }
  const entries = placer.above(walked);
  if (walked.entry === undefined && walked.physical !== '' && placer.directoryPlace(walked.physical) === 'absent') {
    entries.push(placer.newDirectory(walked.physical));
  } else if (walked.entry !== undefined) {
    if (walked.entry.type !== 'directory') throw conflict(walked.physical, 'is not a directory');
    entries.push(...placer.above({ ...walked, existing: [walked.entry], missing: [] }));
  }
  entries.push(placeEntry(join(walked.physical, item.name), first, { ...placing, base: walked.physical }));
  return entries;
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

interface Placing {
  readonly ownership: Ownership;
  readonly placer: Placer;
  /** Where the item's own root goes: hard links inside it are relative to that. */
  readonly base: string;
}

function placeEntry(path: string, entry: SourceEntry, { ownership, placer, base }: Placing): WriteEntry {
  refuseWhiteoutName(path);
  const { owner, mode } = ownership;
  const { uid, gid } = owner ?? entry;
  const { mtime, xattrs } = entry;
  if (entry.type === 'directory') {
    if (placer.directoryPlace(path) === 'other') throw conflict(path, 'is not a directory');
    placer.put(path, 'directory');
    return { type: 'directory', path, mode: mode ?? entry.mode, uid, gid, mtime, xattrs };
  }
  if (placer.filePlace(path) === 'directory')
    throw conflict(path, 'is a directory, and a directory is not replaced by a file');
  placer.put(path, 'other');
  if (entry.type === 'symlink')
    return { type: 'symlink', path, mode: 0o777, uid, gid, mtime, xattrs, link: entry.link };
  if (entry.type === 'fifo') return { type: 'fifo', path, mode: mode ?? entry.mode, uid, gid, mtime, xattrs };
  if (entry.type === 'character' || entry.type === 'block') {
    const { type, major, minor } = entry;
    return { type, path, mode: mode ?? entry.mode, uid, gid, mtime, xattrs, major, minor };
  }
  if (entry.hardlink !== undefined) return { type: 'hardlink', path, link: join(base, entry.hardlink) };
  return { type: 'file', path, mode: mode ?? entry.mode, uid, gid, mtime, xattrs, content: entry.content };
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
