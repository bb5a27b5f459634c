import { TbuildError } from '../errors.ts';
import type { PruneRule } from '../native/addon.ts';
import { cleanPath } from './clean-path.ts';
import { MalformedPattern } from './go-match.ts';
import type { IgnoreFile, IgnoreLine } from './ignore-file.ts';
import { compileIgnorePattern } from './ignore-pattern.ts';

/** Patterns with the meaning of moby/patternmatcher: the last that matches a path or a directory above it decides. */
export interface Rules {
  /** Exact. Paths are `/`-separated. Fast when asked in the order of a walk. */
  matches(path: string): boolean;
}

export interface IgnoreRules {
  /** Path of the ignore file; undefined: there is none. */
  readonly file: string | undefined;
  /** Equal for equal meaning: what the rules are, in order. */
  readonly key: string;
  /** Exact. Paths are relative to the context, `/`-separated. Fast when asked in the order of a walk. */
  isIgnored(path: string): boolean;
  /** The same, with all that could be below it: no `!` line reaches there. */
  isWhollyIgnored(path: string): boolean;
  /** The line that decides about a path, for messages; undefined when no rule does. */
  explain(path: string): { readonly line: number; readonly pattern: string } | undefined;
  /** For the native scanner: what it leaves out is ignored, but not all that is ignored is left out. */
  toPruneRules(): readonly PruneRule[];
}

interface Rule {
  readonly line: number;
  readonly text: string;
  readonly pattern: string;
  readonly negated: boolean;
  readonly matches: (path: string) => boolean;
}

/** What a directory hands down to what is in it: which rules matched it or a parent. */
interface Verdict {
  readonly path: string;
  readonly matched: Uint8Array;
  readonly matches: boolean;
  readonly decidedBy: Rule | undefined;
}

/** Throws `TBUILD_CONTEXT` with the line of a malformed pattern. */
export function compileIgnoreRules(file: IgnoreFile): IgnoreRules {
  const name = file.path ?? '.dockerignore';
  const rules = file.lines.map((line) => compileRule(line, (malformed) => malformedLine(malformed, name)));
  const judge = createJudge(rules);
  return {
    file: file.path,
    key: rules.map(({ negated, pattern }) => `${negated ? '!' : ' '}${pattern}`).join('\n'),
    isIgnored: (path) => rules.length > 0 && path !== '' && judge(path).matches,
    isWhollyIgnored: (path) => path !== '' && judge(path).matches && !rules.some((rule) => admitsBelow(rule, path)),
    explain(path) {
      const rule = judge(path).decidedBy;
      return rule && { line: rule.line, pattern: rule.text };
    },
    toPruneRules: () => pruneRules(rules),
  };
}

function admitsBelow({ negated, pattern }: Rule, path: string): boolean {
  if (!negated) return false;
  const depth = path.split('/').length;
  const components = pattern.split('/');
  const head = components.slice(0, depth);
  if (head.some((component) => component.includes('**'))) return true;
  if (components.length <= depth) return false;
  try {
    return compileIgnorePattern(head.join('/'))(path);
  } catch (error) {
    // A class that holds a slash: half of it is no pattern.
    if (error instanceof MalformedPattern) return true;
    throw error;
  }
}

/** Rules from elsewhere than an ignore file. `refuse` makes the error for a malformed one. */
export function compileRules(lines: readonly IgnoreLine[], refuse: (malformed: MalformedRule) => Error): Rules {
  const judge = createJudge(lines.map((line) => compileRule(line, refuse)));
  return { matches: (path) => judge(path).matches };
}

interface MalformedRule {
  readonly text: string;
  readonly line: number;
  /** Undefined: a lone `!`. */
  readonly cause: MalformedPattern | undefined;
}

function createJudge(rules: readonly Rule[]): (path: string) => Verdict {
  const unmatched: Verdict = {
    path: '',
    matched: new Uint8Array(rules.length),
    matches: false,
    decidedBy: undefined,
  };
  /** Verdicts on the parents of the path asked last, outermost first. */
  let parents: Verdict[] = [];
  return (path) => {
    let verdict = unmatched;
    let depth = 0;
    for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
      const known = parents[depth];
      if (known?.path.length === slash && path.startsWith(known.path)) {
        verdict = known;
      } else {
        verdict = decide(rules, path.slice(0, slash), verdict);
        parents = parents.slice(0, depth);
        parents.push(verdict);
      }
      depth++;
    }
    return decide(rules, path, verdict);
  };
}

/**
 * Docker's order of evaluation: a rule that would not change the verdict so far is not looked at and hands nothing down. That shows: with the lines `d`, `!d/f`, `d` the file d/f is not ignored.
 */
function decide(rules: readonly Rule[], path: string, parent: Verdict): Verdict {
  const matched = new Uint8Array(rules.length);
  let ignored = false;
  let decidedBy: Rule | undefined;
  for (const [index, rule] of rules.entries()) {
    const inherited = parent.matched[index] === 1;
    if (!inherited && rule.negated !== ignored) continue;
    if (!inherited && !rule.matches(path)) continue;
    matched[index] = 1;
    ignored = !rule.negated;
    decidedBy = rule;
  }
  return { path, matched, matches: ignored, decidedBy };
}

function compileRule({ text, line }: IgnoreLine, refuse: (malformed: MalformedRule) => Error): Rule {
  // Docker cleans once more with the `!` in front, which makes `!/` a lone `!`.
  const cleaned = cleanPath(text);
  const negated = cleaned.startsWith('!');
  const pattern = negated ? cleaned.slice(1) : cleaned;
  if (pattern === '') throw refuse({ text, line, cause: undefined });
  try {
    return { line, text, pattern, negated, matches: compileIgnorePattern(pattern) };
  } catch (error) {
    if (!(error instanceof MalformedPattern)) throw error;
    throw refuse({ text, line, cause: error });
  }
}

function malformedLine({ text, line, cause }: MalformedRule, file: string): TbuildError {
  const details = { file, line };
  if (cause === undefined) {
    const hint = 'write the pattern behind the !';
    return new TbuildError('TBUILD_CONTEXT', `${file}:${line}: a lone ! excludes nothing`, { hint, details });
  }
  return new TbuildError('TBUILD_CONTEXT', `${file}:${line}: malformed pattern ${JSON.stringify(text)}`, {
    cause,
    hint: 'close every [, and escape a literal one as [[]; a backslash escapes punctuation only',
    details,
  });
}

/**
 * Negated rules go last, so that whatever one of them admits is scanned, whichever line comes after. The scanner knows plain patterns only: of a negated rule
 * that is not, the plain parents and all below them are kept; any other is dropped.
 */
function pruneRules(rules: readonly Rule[]): readonly PruneRule[] {
  const admitted: PruneRule[] = [];
  const excluded: PruneRule[] = [];
  for (const { pattern, negated } of rules) {
    const components = pattern.split('/');
    const plain = components.findIndex((component) => !isPlain(component));
    if (!negated && plain < 0) excluded.push({ pattern, negated });
    if (!negated) continue;
    admitted.push({ pattern: plain < 0 ? pattern : [...components.slice(0, plain), '**'].join('/'), negated });
  }
  return [...excluded, ...admitted];
}

function isPlain(component: string): boolean {
  return component === '**' || (!component.includes('**') && /^(?:[^[\]\\^]|\[\^?[\w.-]+\])+$/.test(component));
}
