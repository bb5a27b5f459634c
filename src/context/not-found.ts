import { lstatSync } from 'node:fs';
import { basename, join } from 'node:path';
import { suggest } from '../dockerfile/suggest.ts';
import type { SourceSpan } from '../errors.ts';
import { TbuildError } from '../errors.ts';
import type { IgnoreRules } from './ignore-rules.ts';
import { findUnreadable, unreadableDirectory } from './scan.ts';
import type { MissingReason } from './source-paths.ts';
import type { VisibleTree } from './visible-tree.ts';

export interface MissingSource {
  /** `the build context`, or a named one. */
  readonly contextName: string;
  readonly root: string;
  readonly tree: VisibleTree;
  readonly rules: IgnoreRules;
  readonly source: string;
  /** The path that is not there: the source, or where its links lead. */
  readonly path: string;
  readonly reason: MissingReason;
  readonly span: SourceSpan | undefined;
}

const listedNames = 10;

/** Says why a source is not there: ignored (by which line), broken link, or simply absent, and then what is there. */
export function sourceNotFound(missing: MissingSource): TbuildError {
  const { contextName, source, path, reason, span, tree } = missing;
  const unreadable = findUnreadable(tree.scan, path);
  if (unreadable !== undefined) return unreadableDirectory(unreadable);
  const { why, hint } = explain(missing);
  return new TbuildError('TBUILD_SOURCE_NOT_FOUND', `${JSON.stringify(source)} is not in ${contextName}: ${why}`, {
    hint,
    span,
    details: { source, path, reason: reason.kind },
  });
}

function explain(missing: MissingSource): { readonly why: string; readonly hint: string | undefined } {
  const { contextName, path, reason, rules } = missing;
  if (reason.kind === 'too-many-links') {
    return { why: 'its symbolic links lead in a circle', hint: 'remove one of the links' };
  }
  if (reason.kind === 'not-a-directory') {
    return { why: `${reason.path} is not a directory`, hint: undefined };
  }
  if (reason.kind === 'unfollowed-link') {
    return {
      why: `${reason.path} is a symbolic link, which --parents does not follow`,
      hint: `put /./ behind it (${reason.path}/./…), or copy from where it leads`,
    };
  }
  const via = reason.kind === 'broken-link' ? `the symbolic link ${reason.path} leads to ${reason.target}, and ` : '';
  const rule = rules.isIgnored(path) && exists(missing) ? rules.explain(path) : undefined;
  if (rule !== undefined) {
    const file = basename(rules.file ?? '.dockerignore');
    return {
      why: `${via}${path} is excluded by ${file} line ${rule.line} (${rule.pattern})`,
      hint: `add a line !${path} behind it`,
    };
  }
  const { directory, names } = neighbours(missing);
  const similar = suggest(basename(path), names);
  const listed = names.slice(0, listedNames).join(', ');
  const more = names.length > listedNames ? ` and ${names.length - listedNames} more` : '';
  const where = directory === '' ? 'the context' : directory;
  return {
    why: `${via}there is no ${path}; ${names.length === 0 ? `${where} is empty` : `${where} has ${listed}${more}`}`,
    hint:
      similar === undefined
        ? `paths are relative to ${contextName}, not to the Dockerfile`
        : `did you mean ${join(directory, similar)}?`,
  };
}

function exists({ root, path }: MissingSource): boolean {
  try {
    return lstatSync(join(root, path), { throwIfNoEntry: false }) !== undefined;
  } catch {
    // A directory that may not be searched: the message then says that nothing was found.
    return false;
  }
}

/** The nearest directory above the path that is there, and what can be seen in it. */
function neighbours({ tree, path }: MissingSource): { readonly directory: string; readonly names: readonly string[] } {
  const { scan } = tree;
  let directory = path;
  let record = -1;
  do {
    directory = directory.includes('/') ? directory.slice(0, directory.lastIndexOf('/')) : '';
    record = tree.find(directory);
  } while (directory !== '' && record < 0);
  const names: string[] = [];
  const end = record < 0 ? scan.length : scan.subtreeEnd(record);
  for (let at = record + 1; at < end; at = scan.subtreeEnd(at)) {
    if (tree.isVisible(at) && scan.mode(at) !== 0) names.push(basename(scan.path(at)));
  }
  return { directory, names };
}
