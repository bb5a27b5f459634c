import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { hasWildcards } from './go-match.ts';
import type { IgnoreRules } from './ignore-rules.ts';
import { findSource } from './source-paths.ts';
import type { SourceFinder } from './source-paths.ts';
import type { SourceTree } from './source-tree.ts';

/** A source that took no file of the context. */
export interface EmptySource {
  readonly source: string;
  /** Paths of what it matched. */
  readonly matches: readonly string[];
}

/** Where that is because all that it means is ignored: a sentence that says so, with the line. docker copies nothing, without a word. */
export function explainHidden(
  { root, rules }: { readonly root: string; readonly rules: IgnoreRules },
  finder: Pick<SourceFinder<number>, 'span' | 'notFound'>,
  { source, matches }: EmptySource,
): string | undefined {
  const tree = diskTree(root);
  if (matches.length > 0) {
    for (const path of matches) {
      const hidden = firstFile(tree, path);
      const why = hidden === undefined ? undefined : excluded(rules, hidden);
      if (why !== undefined) return `${JSON.stringify(source)} has no file to copy: ${why}`;
    }
    return undefined;
  }
  if (!hasWildcards(source)) return undefined;
  const given = { ...finder, tree, exclude: [], parents: false, literal: false };
  const [first] = attempt(() => findSource(given, source)) ?? [];
  const why = first === undefined ? undefined : excluded(rules, first.node);
  return why === undefined ? undefined : `${JSON.stringify(source)} matches nothing: ${why}`;
}

function excluded(rules: IgnoreRules, path: string): string | undefined {
  const rule = rules.isIgnored(path) ? rules.explain(path) : undefined;
  if (rule === undefined) return undefined;
  return `${path} is excluded by ${basename(rules.file ?? '.dockerignore')} line ${rule.line} (${rule.pattern})`;
}

function firstFile(tree: SourceTree<string>, path: string): string | undefined {
  if (tree.kind(path) !== 'directory') return path;
  for (const child of tree.children(path)) {
    const found = firstFile(tree, child);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** All that is there, whatever is ignored; nodes are paths. What may not be read is empty. */
function diskTree(root: string): SourceTree<string> {
  const kind = (path: string): 'directory' | 'link' | 'other' | undefined => {
    const stats = attempt(() => lstatSync(join(root, path)));
    if (stats === undefined) return undefined;
    return stats.isDirectory() ? 'directory' : stats.isSymbolicLink() ? 'link' : 'other';
  };
  return {
    root: '',
    find: (path) => (kind(path) === undefined ? undefined : path),
    path: (path) => path,
    kind: (path) => kind(path) ?? 'other',
    readLink: (path) => readlinkSync(join(root, path)),
    children: (path) => (attempt(() => readdirSync(join(root, path)).toSorted()) ?? []).map((name) => join(path, name)),
  };
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    // It is gone, or nobody may look: then there is nothing to tell of it.
    return undefined;
  }
}
