import type { CheckOptions } from '../dockerfile/check-options.ts';
import type { Finding } from './finding.ts';
import type { CommentedInstruction, Rule } from './rule.ts';

/** Whether a rule is looked at. What is experimental has to be asked for, and then no `skip` takes it away (as docker). */
export function isWanted({ name, isExperimental = false }: Rule, { skip, experimental }: CheckOptions): boolean {
  const names = isExperimental ? experimental : skip;
  return (names.includes(name) || names.includes('all')) === isExperimental;
}

/** Without what a comment `# check=skip=RULE` directly above its instruction takes away. */
export function withoutSkipped(
  findings: readonly Finding[],
  instructions: readonly CommentedInstruction[],
): readonly Finding[] {
  const skipped = new Map(
    instructions.map(({ span, comments }) => [span.line, new Set(comments.flatMap(skippedBy))] as const),
  );
  const isSkipped = ({ rule, span }: Finding): boolean => {
    const names = skipped.get(span.line) ?? lastAbove(skipped, span.line);
    return names !== undefined && (names.has(rule) || names.has('all'));
  };
  return findings.filter((finding) => !isSkipped(finding));
}

/** Whether a comment says something about checks and nothing to people. */
export function isCheckComment(comment: string): boolean {
  return pattern.test(comment);
}

const pattern = /^check[ \t]*=/i;

/** `check=skip=A,B`, with what stands behind `//` for people. */
function skippedBy(comment: string): readonly string[] {
  if (!isCheckComment(comment)) return [];
  const [options = ''] = comment.slice(comment.indexOf('=') + 1).split('//', 1);
  return options.split(';').flatMap((option) => {
    const [key, names = ''] = option.trim().split('=', 2);
    return key === 'skip' ? names.split(',').map((name) => name.trim()) : [];
  });
}

/** A finding may stand inside its instruction. */
function lastAbove(skipped: ReadonlyMap<number, ReadonlySet<string>>, line: number): ReadonlySet<string> | undefined {
  let found: ReadonlySet<string> | undefined;
  for (const [start, names] of skipped) {
    if (start > line) break;
    found = names;
  }
  return found;
}
