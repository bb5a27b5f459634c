import { noneOverridden, readDirectives } from './directives.ts';
import type { Directives, OverriddenDirectives } from './directives.ts';
import { readBodies } from './heredoc-bodies.ts';
import { findHeredocs } from './heredoc.ts';
import { joinLines } from './joined-line.ts';
import { lineSpan, readPhysicalLines, withContinuation } from './physical-lines.ts';
import type { PhysicalLine } from './physical-lines.ts';
import { readInstruction } from './raw-instruction.ts';
import type { RawInstruction } from './raw-instruction.ts';
import { groupLines } from './source-tree.ts';
import type { LineGroup } from './source-tree.ts';
import { syntaxError } from './syntax-error.ts';
import { isWellFormed } from './well-formed.ts';

export interface SplitDockerfile {
  readonly directives: Directives;
  readonly instructions: readonly RawInstruction[];
  /** All of the file. */
  readonly lines: readonly PhysicalLine[];
}

/** Text → instructions as {keyword, flags, arguments, heredocs} with their places. Throws TBUILD_DOCKERFILE_SYNTAX, and TBUILD_UNSUPPORTED for a file in another language. */
export function splitInstructions(
  text: string,
  file: string,
  overridden: OverriddenDirectives = noneOverridden,
): SplitDockerfile {
  const physical = readPhysicalLines(text, file);
  const directives = readDirectives(physical, file, overridden);
  const lines = physical.map((line) => withContinuation(line, directives.escape));
  const instructions: RawInstruction[] = [];
  for (let at = 0; at < lines.length;) {
    const end = endOfPart(lines, at);
    const raws = groupLines(lines.slice(at, end)).map((group) => readGroup(group, file));
    const last = raws.pop();
    instructions.push(...raws);
    if (last === undefined) break;
    const { heredocs, lastLine, next } = readBodies(findHeredocs(last), lines, { from: end, span: last.span });
    instructions.push(lastLine === undefined ? last : { ...last, heredocs, span: extendTo(last.span, lastLine) });
    at = next;
  }
  if (instructions.length === 0) {
    const span = { file, line: 1, column: 1, endLine: 1, endColumn: 1 };
    throw syntaxError('file with no instructions', span, 'A Dockerfile starts with FROM.');
  }
  return { directives, instructions, lines };
}

/** A part ends with an instruction that may start a heredoc: what follows that may be no instructions at all. */
function endOfPart(lines: readonly PhysicalLine[], from: number): number {
  let isFound = false;
  for (let index = from; index < lines.length; index++) {
    const line = lines[index];
    if (line?.kind !== 'text') continue;
    isFound ||= line.content.includes('<<');
    if (isFound && !line.continues) return index + 1;
  }
  return lines.length;
}

function readGroup(group: LineGroup, file: string): RawInstruction {
  const hasBlank = group.some(({ kind }) => kind === 'blank');
  const lines = group.filter(({ kind }) => kind === 'text');
  const raw = readInstruction(joinLines(lines, file));
  const malformed = malformedLine(raw, lines);
  if (malformed !== undefined) throw syntaxError('RUN holds bytes that are not UTF-8', lineSpan(malformed, file));
  const end = group.at(-1);
  return { ...raw, blankContinuation: hasBlank && end !== undefined ? lineSpan(end, file) : undefined };
}

/** Docker cannot send such a command to its daemon. */
export function malformedLine({ name }: RawInstruction, lines: readonly PhysicalLine[]): PhysicalLine | undefined {
  return name === 'run' ? lines.find((line) => !isWellFormed(line.raw)) : undefined;
}

function extendTo(span: RawInstruction['span'], line: PhysicalLine): RawInstruction['span'] {
  return { ...span, endLine: line.number, endColumn: line.content.length + 1 };
}
