import type { SourceSpan } from '../errors.ts';
import { readDirectives } from './directives.ts';
import type { Directives } from './directives.ts';
import { trimGoSpace, trimGoSpaceStart } from './go-space.ts';
import { findHeredoc } from './heredoc.ts';
import { lineSpan, readPhysicalLines, withContinuation } from './physical-lines.ts';
import { groupLines } from './source-tree.ts';
import type { LineGroup } from './source-tree.ts';
import { splitCommand } from './split-command.ts';
import type { SplitCommand } from './split-command.ts';
import { syntaxError, unsupported } from './syntax-error.ts';

/** An instruction before its arguments mean anything. */
export interface RawInstruction extends SplitCommand {
  /** The keyword in lower case. */
  readonly name: string;
  /** Continuations joined, comments dropped, trimmed. */
  readonly text: string;
  readonly span: SourceSpan;
  /** Blank lines inside a continuation: docker warns once for each instruction that has some. */
  readonly blankLine: SourceSpan | undefined;
}

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

/** What {@link splitInstructions} makes of the text of a single instruction. */
export function splitInstruction(text: string, span: SourceSpan, escape: string): RawInstruction {
  const command = splitCommand(text);
  const raw = { ...command, name: command.keyword.toLowerCase(), text: trimGoSpace(text), span, blankLine: undefined };
  refuseHeredoc(raw, escape);
  return raw;
}

function readGroup(group: LineGroup, file: string, escape: string): RawInstruction {
  const lines = group.filter(({ kind }) => kind === 'text');
  const joined = lines.map(({ body }, index) => (index === 0 ? trimGoSpaceStart(body) : body)).join('');
  const blank = group.find(({ kind }) => kind === 'blank');
  const raw = splitInstruction(joined, spanOf(lines, file), escape);
  return { ...raw, blankLine: blank === undefined ? undefined : lineSpan(blank, file) };
}

function spanOf(lines: LineGroup, file: string): SourceSpan {
  const [first, last] = [lines[0], lines.at(-1)];
  if (first === undefined || last === undefined) throw new TypeError('an instruction has at least one line');
  const { line, column } = lineSpan(first, file);
  return { file, line, column, endLine: last.number, endColumn: last.content.length + 1 };
}

function refuseHeredoc(raw: RawInstruction, escape: string): void {
  const trigger = raw.name === 'onbuild' ? splitCommand(raw.args).keyword.toLowerCase() : raw.name;
  const heredoc = ['run', 'copy', 'add'].includes(trigger) ? findHeredoc(raw.text, escape) : undefined;
  if (heredoc === undefined) return;
  throw unsupported(
    `the heredoc ${heredoc}`,
    raw.span,
    trigger === 'run'
      ? 'Join the commands with && and continuation lines, or COPY a script and run it. Quote << if no heredoc is meant.'
      : 'Put the content into a file of the build context.',
  );
}
