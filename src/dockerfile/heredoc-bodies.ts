import type { SourceSpan } from '../errors.ts';
import type { Heredoc, HeredocMark } from './heredoc.ts';
import type { PhysicalLine } from './physical-lines.ts';
import { suggest } from './suggest.ts';
import { syntaxError } from './syntax-error.ts';

export interface HeredocBodies {
  readonly heredocs: readonly Heredoc[];
  /** The last line of the last body; undefined where there are no heredocs. */
  readonly lastLine: PhysicalLine | undefined;
  /** Index of the line behind it. */
  readonly next: number;
}

/**
 * Reads the bodies of an instruction's heredocs, one behind the other.
 *
 * @param from index of the line behind the instruction
 * @param span the instruction's, for the error
 * @throws TBUILD_DOCKERFILE_SYNTAX where one has no end
 */
export function readBodies(
  marks: readonly HeredocMark[],
  lines: readonly PhysicalLine[],
  { from, span }: { readonly from: number; readonly span: SourceSpan },
): HeredocBodies {
  const heredocs: Heredoc[] = [];
  let next = from;
  for (const mark of marks) {
    const end = findEnd(mark, lines, next);
    if (end === undefined) throw unterminated(mark, lines.slice(next), span);
    const content = lines
      .slice(next, end)
      .map(({ raw }) => raw)
      .join('');
    heredocs.push({ ...mark, content });
    next = end + 1;
  }
  return { heredocs, lastLine: heredocs.length === 0 ? undefined : lines[next - 1], next };
}

function findEnd({ name, chomps }: HeredocMark, lines: readonly PhysicalLine[], from: number): number | undefined {
  for (let index = from; index < lines.length; index++) {
    const content = lines[index]?.content ?? '';
    if (content === name || (chomps && content.replace(/^\t+/, '') === name)) return index;
  }
  return undefined;
}

function unterminated({ name, chomps }: HeredocMark, rest: readonly PhysicalLine[], span: SourceSpan): Error {
  const near = rest.find(({ content }) => content.trim() === name);
  const similar = rest.find(({ content }) => suggest(content.trim(), [name]) !== undefined);
  const hint =
    near !== undefined
      ? `Line ${near.number} has ${name} with blanks around it; ${chomps ? 'only tabs before it are allowed' : '<<- allows tabs before it'}.`
      : `Its last line must be ${name}, and nothing else.${similar === undefined ? '' : ` Line ${similar.number} is ${similar.content.trim()}.`}`;
  return syntaxError(`unterminated heredoc ${name}`, span, hint);
}
