import type { SourceSpan } from '../errors.ts';
import { TbuildError } from '../errors.ts';
import { contextPath } from './clean-path.ts';
import { isDirectory, isLink } from './file-type.ts';
import { compileGoMatch, hasWildcards, MalformedPattern } from './go-match.ts';
import { requireReadable } from './scan.ts';
import type { VisibleTree } from './visible-tree.ts';

/** One thing that a source of COPY or ADD names. */
export interface SourceMatch {
  readonly source: string;
  /** Last component of the path as it was written or matched: links are followed, but keep their name. */
  readonly name: string;
  /** {@link contextRoot}: the context itself. */
  readonly record: number;
}

/** Stands for the context's root, which a scan does not list. */
export const contextRoot = -1;

export interface SourceFinder {
  readonly tree: VisibleTree;
  /** Target of a symlink. */
  readonly readLink: (record: number) => string;
  /** Makes the error for a path that leads nowhere. `reason`: what is in the way. */
  readonly notFound: (source: string, path: string, reason: MissingReason) => TbuildError;
}

export type MissingReason =
  | { readonly kind: 'absent' }
  | { readonly kind: 'not-a-directory'; readonly path: string }
  | { readonly kind: 'broken-link'; readonly path: string; readonly target: string }
  | { readonly kind: 'too-many-links' };

// As the kernel's limit on symlinks in one lookup (path_resolution(7)).
const maximumLinks = 40;

/**
 * What a source names, as BuildKit finds it: cleaned lexically; a path follows links in every component, the last too, and never leaves the context; a pattern follows them
 * in the components before the first wildcard and in what it matched, not between. A pattern that matches nothing is no error.
 * Throws `TBUILD_SOURCE_NOT_FOUND`, `TBUILD_CONTEXT` where a directory on the way may not be read, or `TBUILD_DOCKERFILE_SYNTAX` for a malformed pattern.
 */
export function findSource(finder: SourceFinder, source: string, span: SourceSpan | undefined): SourceMatch[] {
  const path = contextPath(source);
  if (!hasWildcards(path)) return [{ source, name: baseName(path), record: resolve(finder, source, path) }];
  const components = path.split('/');
  const wild = components.findIndex(hasWildcards);
  const matches = compilePattern(components.slice(wild).join('/'), source, span);
  const base = resolve(finder, source, components.slice(0, wild).join('/'));
  if (base !== contextRoot && !isDirectory(finder.tree.scan.mode(base))) {
    throw finder.notFound(source, path, { kind: 'not-a-directory', path: finder.tree.scan.path(base) });
  }
  const found: SourceMatch[] = [];
  for (const matched of walkMatches(finder, base, matches)) {
    found.push({ source, name: baseName(matched), record: resolve(finder, source, matched) });
  }
  return found;
}

/** Paths below `base` that match, in the order of a walk. Below a match nothing else is looked for. */
function* walkMatches(
  { tree }: SourceFinder,
  base: number,
  matches: { readonly depth: number; readonly test: (path: string) => boolean },
): Generator<string> {
  const { scan } = tree;
  const prefix = base === contextRoot ? '' : `${scan.path(base)}/`;
  const end = base === contextRoot ? scan.length : scan.subtreeEnd(base);
  for (let record = base + 1; record < end;) {
    const path = scan.path(record);
    const below = path.slice(prefix.length);
    const isVisible = tree.isVisible(record);
    if (isVisible) requireReadable(scan, record);
    const isMatch = isVisible && matches.test(below);
    if (isMatch) yield path;
    const isTooDeep = below.split('/').length >= matches.depth;
    record = isMatch || isTooDeep ? scan.subtreeEnd(record) : record + 1;
  }
}

function compilePattern(
  pattern: string,
  source: string,
  span: SourceSpan | undefined,
): { readonly depth: number; readonly test: (path: string) => boolean } {
  try {
    // A class can match a slash, as in Go, so only a pattern without one has a known depth.
    const depth = pattern.includes('[') ? Number.POSITIVE_INFINITY : pattern.split('/').length;
    return { depth, test: compileGoMatch(pattern) };
  } catch (cause) {
    if (!(cause instanceof MalformedPattern)) throw cause;
    throw new TbuildError('TBUILD_DOCKERFILE_SYNTAX', `malformed wildcard in source ${JSON.stringify(source)}`, {
      cause,
      span,
      hint: 'close every [, and write [[] for a literal one',
    });
  }
}

/** Follows links, the last component's too. */
function resolve(finder: SourceFinder, source: string, path: string): number {
  const { tree } = finder;
  const pending = path.split('/').reverse();
  let current: string[] = [];
  let lastLink: { readonly path: string; readonly target: string } | undefined;
  let followed = 0;
  let record = contextRoot;
  while (pending.length > 0) {
    const name = pending.pop() ?? '';
    if (name === '' || name === '.') continue;
    if (name === '..') {
      current.pop();
      record = current.length === 0 ? contextRoot : tree.find(current.join('/'));
      continue;
    }
    if (record !== contextRoot && !isDirectory(tree.scan.mode(record))) {
      throw finder.notFound(source, path, { kind: 'not-a-directory', path: current.join('/') });
    }
    const next = [...current, name].join('/');
    const found = tree.find(next);
    if (found < 0) {
      const reason: MissingReason = lastLink === undefined ? { kind: 'absent' } : { kind: 'broken-link', ...lastLink };
      throw finder.notFound(source, next, reason);
    }
    if (!isLink(tree.scan.mode(found))) {
      current = [...current, name];
      record = found;
      continue;
    }
    if (++followed > maximumLinks) throw finder.notFound(source, path, { kind: 'too-many-links' });
    const target = finder.readLink(found);
    lastLink = { path: next, target };
    if (target.startsWith('/')) {
      current = [];
      record = contextRoot;
    }
    pending.push(...target.split('/').reverse());
  }
  return record;
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
