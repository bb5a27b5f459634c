import type { SourceSpan } from '../errors.ts';
import { TbuildError } from '../errors.ts';
import { compileRules } from './ignore-rules.ts';
import type { Rules } from './ignore-rules.ts';

/** Which of the things below a source directory are copied. */
export interface PathFilter {
  /** Paths are relative to the source directory, `/`-separated. Fast when asked in the order of a walk. */
  includes(path: string): boolean;
}

export interface FilterPatterns {
  /** `--parents`: only what matches it, and all below that. Undefined: everything. */
  readonly pattern: string | undefined;
  /** `--exclude`: with the meaning of lines of an ignore file, `!` and order included, but for leading slashes, which match nothing. */
  readonly exclude: readonly string[];
}

/** Undefined when there is nothing to leave out. Throws TBUILD_DOCKERFILE_SYNTAX for malformed patterns. */
export function compileFilter(
  { pattern, exclude }: FilterPatterns,
  span: SourceSpan | undefined,
): PathFilter | undefined {
  const excluded = compileList(exclude, { flag: '--exclude', span });
  const included = pattern === undefined ? undefined : compileList([pattern], { flag: '--parents', span });
  if (excluded === undefined && included === undefined) return undefined;
  return {
    includes: (path) => included?.matches(path) !== false && excluded?.matches(path) !== true,
  };
}

function compileList(
  patterns: readonly string[],
  { flag, span }: { readonly flag: string; readonly span: SourceSpan | undefined },
): Rules | undefined {
  const lines = patterns.map((text, line) => ({ text: text.trim(), line })).filter(({ text }) => text !== '');
  if (lines.length === 0) return undefined;
  return compileRules(lines, ({ text, cause }) => {
    return new TbuildError('TBUILD_DOCKERFILE_SYNTAX', `malformed pattern ${JSON.stringify(text)} in ${flag}`, {
      cause,
      span,
      hint: 'close every [, write [[] for a literal one, and a pattern behind every !',
    });
  });
}

/** Marks, of things in the order of a walk, what a filter leaves: what it includes, and the directories on the way to that. */
export function filterWalk<T extends { readonly path: string }>(things: readonly T[], filter: PathFilter): Kept<T>[] {
  const kept: Kept<T>[] = [];
  /** Directories around the current thing that nothing has been kept of yet, outermost first. */
  let waiting: T[] = [];
  for (const thing of things) {
    waiting = waiting.filter(({ path }) => path === '' || thing.path.startsWith(`${path}/`));
    if (thing.path === '' || filter.includes(thing.path)) {
      for (const passed of waiting) kept.push({ thing: passed, isPassed: true });
      waiting = [];
      kept.push({ thing, isPassed: false });
    } else waiting.push(thing);
  }
  return kept;
}

export interface Kept<T> {
  readonly thing: T;
  /** It is only there because of what is below it. */
  readonly isPassed: boolean;
}
