import type { SourceSpan } from '../errors.ts';
import { readDirectives } from './directives.ts';
import type { Directives } from './directives.ts';
import { trimGoSpaceStart } from './go-space.ts';
import { lineSpan, readPhysicalLines, withContinuation } from './physical-lines.ts';
import { groupLines } from './source-tree.ts';
import type { LineGroup } from './source-tree.ts';
import { readInstruction } from './raw-instruction.ts';
import type { RawInstruction } from './raw-instruction.ts';
import { syntaxError } from './syntax-error.ts';

export interface SplitDockerfile {
  readonly directives: Directives;
  readonly instructions: readonly RawInstruction[];
}

/** Text → instructions as {keyword, flags, arguments} with their places. Throws TBUILD_DOCKERFILE_SYNTAX, and TBUILD_UNSUPPORTED for a heredoc. */
export function splitInstructions(text: string, file: string): SplitDockerfile {
  const physical = readPhysicalLines(text, file);
  const directives = readDirectives(physical, file);
  const groups = groupLines(physical.map((line) => withContinuation(line, directives.escape)));
  if (groups.length === 0) {
    const span = { file, line: 1, column: 1, endLine: 1, endColumn: 1 };
    throw syntaxError('file with no instructions', span, 'A Dockerfile starts with FROM.');
  }
  return { directives, instructions: groups.map((group) => readGroup(group, file, directives.escape)) };
}

function readGroup(group: LineGroup, file: string, escape: string): RawInstruction {
  const lines = group.filter(({ kind }) => kind === 'text');
  const joined = lines.map(({ body }, index) => (index === 0 ? trimGoSpaceStart(body) : body)).join('');
  const blank = group.find(({ kind }) => kind === 'blank');
  const raw = readInstruction(joined, spanOf(lines, file), escape);
  return { ...raw, blankLine: blank === undefined ? undefined : lineSpan(blank, file) };
}

function spanOf(lines: LineGroup, file: string): SourceSpan {
  const [first, last] = [lines[0], lines.at(-1)];
  if (first === undefined || last === undefined) throw new TypeError('an instruction has at least one line');
  const { line, column } = lineSpan(first, file);
  return { file, line, column, endLine: last.number, endColumn: last.content.length + 1 };
}
