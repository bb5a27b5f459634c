import { TbuildError } from '../../errors.ts';
import type { FactReader } from '../../cache/facts.ts';
import type { ListingEntry } from '../../store/types.ts';

/** Where a path leads inside the image, symlinks followed. Paths without leading slash, '' is the root. */
export interface WalkedPath {
  /** No component of it is a symlink. */
  readonly physical: string;
  /** What is there; undefined: nothing yet. */
  readonly entry: ListingEntry | undefined;
  /** The directories above `physical` that exist, topmost first, without the root. */
  readonly existing: readonly ListingEntry[];
  /** The directories above `physical` that do not exist yet, topmost first. */
  readonly missing: readonly string[];
}

// As the kernel's limit on symlinks in one lookup (path_resolution(7)).
const maxLinks = 40;

/** Walks a path from the image's root, through symlinks, never out of the root. Every component looked at becomes a fact. */
export function walk(reader: FactReader, path: string): WalkedPath {
  reader.component('');
  const pending = path.split('/').reverse();
  let current: ListingEntry[] = [];
  const beyond: string[] = [];
  let links = 0;
  while (pending.length > 0) {
    const name = pending.pop() ?? '';
    if (name === '' || name === '.') continue;
    if (name === '..') {
      if (beyond.pop() === undefined) current.pop();
      continue;
    }
    const here = current.at(-1);
    if (here !== undefined && here.type !== 'directory') throw notADirectory(here.path);
    if (beyond.length > 0) {
      beyond.push(name);
      continue;
    }
    const entry = reader.component(join(here?.path ?? '', name));
    if (entry === undefined) beyond.push(name);
    else if (entry.type === 'symlink') {
      if (++links > maxLinks)
        throw new TbuildError('TBUILD_COPY', `too many symbolic links on the way to /${trim(path)}`);
      const link = entry.link ?? '';
      if (link.startsWith('/')) current = [];
      pending.push(...link.split('/').reverse());
    } else current = [...current, entry];
  }
  return result(current, beyond);
}

function result(current: readonly ListingEntry[], beyond: readonly string[]): WalkedPath {
  if (beyond.length === 0) {
    const entry = current.at(-1);
    return { physical: entry?.path ?? '', entry, existing: current.slice(0, -1), missing: [] };
  }
  const base = current.at(-1);
  if (base !== undefined && base.type !== 'directory') throw notADirectory(base.path);
  const paths: string[] = [];
  let path = base?.path ?? '';
  for (const name of beyond) paths.push((path = join(path, name)));
  return { physical: path, entry: undefined, existing: current, missing: paths.slice(0, -1) };
}

export function join(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`;
}

function notADirectory(path: string): TbuildError {
  return new TbuildError('TBUILD_COPY', `/${path} is not a directory`, {
    hint: 'an earlier step, or the base image, made a file of that name',
    details: { path: `/${path}` },
  });
}

function trim(path: string): string {
  return path.replace(/^\/+/, '');
}
