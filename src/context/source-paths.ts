import type { SourceSpan } from '../errors.ts';
import { TbuildError } from '../errors.ts';
import { contextPath } from './clean-path.ts';
import { compileGoMatch, hasWildcards, MalformedPattern } from './go-match.ts';
import { compileFilter } from './path-filter.ts';
import type { PathFilter } from './path-filter.ts';
import type { SourceTree } from './source-tree.ts';

/** One thing that a source of COPY or ADD names. */
export interface SourceMatch<Node> {
  readonly source: string;
  /** Last component of the path as it was written or matched: links are followed, but keep their name. */
  readonly name: string;
  readonly node: Node;
  /** What of a directory is taken. Undefined: all. */
  readonly filter: PathFilter | undefined;
  /** `--parents`: directories that are there already keep their owners. */
  readonly keepsDirectories: boolean;
}

export interface SourceFinder<Node> {
  readonly tree: SourceTree<Node>;
  /** Makes the error for a path that leads nowhere. `reason`: what is in the way. */
  readonly notFound: (source: string, path: string, reason: MissingReason) => TbuildError;
  /** Values of `--exclude`. */
  readonly exclude: readonly string[];
  /** `--parents`. */
  readonly parents: boolean;
  /** A source is one path, whatever characters are in it. */
  readonly literal: boolean;
  readonly span: SourceSpan | undefined;
}

export type MissingReason =
  | { readonly kind: 'absent' }
  | { readonly kind: 'not-a-directory'; readonly path: string }
  | { readonly kind: 'broken-link'; readonly path: string; readonly target: string }
  /** `--parents` takes the path for what it is. */
  | { readonly kind: 'unfollowed-link'; readonly path: string }
  | { readonly kind: 'too-many-links' };

// As the kernel's limit on symlinks in one lookup (path_resolution(7)).
const maximumLinks = 40;

/**
 * What a source names, as BuildKit finds it: cleaned lexically; a path follows links in every component, the last too, and never leaves the tree; a pattern follows them
 * in the components before the first wildcard and in what it matched, not between. A pattern that matches nothing is no error.
 * Throws `TBUILD_SOURCE_NOT_FOUND`, `TBUILD_CONTEXT` where a directory on the way may not be read, or `TBUILD_DOCKERFILE_SYNTAX` for a malformed pattern.
 */
export function findSource<Node>(finder: SourceFinder<Node>, source: string): SourceMatch<Node>[] {
  if (finder.parents) return findWithParents(finder, source);
  const filter = compileFilter({ pattern: undefined, exclude: finder.exclude }, finder.span);
  return findNodes(finder, source).map((found) => ({ ...found, source, filter, keepsDirectories: false }));
}

/**
 * `--parents`: what is below a directory and matches, with the directories on the way. The directory is what stands before `/./`, or the root; behind it stands a pattern in which `**` is any
 * number of directories, and which follows no links. Only a path without wildcards must be there (Dockerfile reference, "COPY --parents").
 */
function findWithParents<Node>(finder: SourceFinder<Node>, source: string): SourceMatch<Node>[] {
  const { tree } = finder;
  const { base, pattern } = splitPivot(source);
  const filter = compileFilter({ pattern, exclude: finder.exclude }, finder.span);
  const bases = findNodes(finder, base).filter(({ node }) => tree.kind(node) === 'directory');
  for (const { node } of hasWildcards(pattern) ? [] : bases) {
    const path = joined(tree.path(node), pattern);
    if (tree.find(path) === undefined) throw finder.notFound(source, path, whyAbsent(tree, path));
  }
  return bases.map(({ node }) => ({ source, name: '', node, filter, keepsDirectories: true }));
}

function whyAbsent<Node>(tree: SourceTree<Node>, path: string): MissingReason {
  for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
    const directory = tree.find(path.slice(0, slash));
    if (directory === undefined) break;
    if (tree.kind(directory) === 'link') return { kind: 'unfollowed-link', path: tree.path(directory) };
  }
  return { kind: 'absent' };
}

/** Cut at the first `/./`; without one, all is pattern. */
function splitPivot(source: string): { readonly base: string; readonly pattern: string } {
  const pivot = source.indexOf('/./');
  return pivot < 0
    ? { base: '', pattern: contextPath(source) }
    : { base: source.slice(0, pivot), pattern: contextPath(source.slice(pivot + '/./'.length)) };
}

interface FoundNode<Node> {
  readonly name: string;
  readonly node: Node;
}

function findNodes<Node>(finder: SourceFinder<Node>, source: string): FoundNode<Node>[] {
  const path = contextPath(source);
  if (finder.literal || !hasWildcards(path)) return [{ name: baseName(path), node: resolve(finder, source, path) }];
  const { tree } = finder;
  const components = path.split('/');
  const wild = components.findIndex(hasWildcards);
  const pattern = compilePattern(components.slice(wild).join('/'), source, finder.span);
  const base = resolve(finder, source, components.slice(0, wild).join('/'));
  if (tree.kind(base) !== 'directory') {
    throw finder.notFound(source, path, { kind: 'not-a-directory', path: tree.path(base) });
  }
  return [...walkMatches(tree, base, pattern)].map((matched) => ({
    name: baseName(matched),
    node: resolve(finder, source, matched),
  }));
}

interface Pattern {
  /** How many components it has. */
  readonly depth: number;
  readonly test: (path: string) => boolean;
}

/** Paths below `base` that match, in the order of a walk. Below a match nothing else is looked for. */
function* walkMatches<Node>(
  tree: SourceTree<Node>,
  base: Node,
  pattern: Pattern,
  prefix = '',
): Generator<string, void, undefined> {
  for (const child of tree.children(base)) {
    const path = tree.path(child);
    const below = joined(prefix, baseName(path));
    if (pattern.test(below)) yield path;
    else if (tree.kind(child) === 'directory' && below.split('/').length < pattern.depth) {
      yield* walkMatches(tree, child, pattern, below);
    }
  }
}

function compilePattern(pattern: string, source: string, span: SourceSpan | undefined): Pattern {
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
function resolve<Node>(finder: SourceFinder<Node>, source: string, path: string): Node {
  const { tree } = finder;
  const pending = path.split('/').reverse();
  let current: string[] = [];
  let lastLink: { readonly path: string; readonly target: string } | undefined;
  let followed = 0;
  let node = tree.root;
  const at = (components: readonly string[]): Node => {
    const found = tree.find(components.join('/'));
    if (found !== undefined) return found;
    const reason: MissingReason = lastLink === undefined ? { kind: 'absent' } : { kind: 'broken-link', ...lastLink };
    throw finder.notFound(source, components.join('/'), reason);
  };
  while (pending.length > 0) {
    const name = pending.pop() ?? '';
    if (name === '' || name === '.') continue;
    if (name === '..') {
      current.pop();
      node = at(current);
      continue;
    }
    if (tree.kind(node) !== 'directory') {
      throw finder.notFound(source, path, { kind: 'not-a-directory', path: current.join('/') });
    }
    const found = at([...current, name]);
    if (tree.kind(found) !== 'link') {
      current = [...current, name];
      node = found;
      continue;
    }
    if (++followed > maximumLinks) throw finder.notFound(source, path, { kind: 'too-many-links' });
    const target = tree.readLink(found);
    lastLink = { path: [...current, name].join('/'), target };
    if (target.startsWith('/')) {
      current = [];
      node = tree.root;
    }
    pending.push(...target.split('/').reverse());
  }
  return node;
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function joined(directory: string, name: string): string {
  return directory === '' || name === '' ? directory + name : `${directory}/${name}`;
}
