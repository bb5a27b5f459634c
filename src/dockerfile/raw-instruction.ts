import type { SourceSpan } from '../errors.ts';
import { trimGoSpace, trimGoSpaceStart } from './go-space.ts';
import type { Heredoc } from './heredoc.ts';
import type { JoinedLine } from './joined-line.ts';
import { splitCommand } from './split-command.ts';
import type { SplitCommand } from './split-command.ts';

/** An instruction before its arguments mean anything. */
export interface RawInstruction extends SplitCommand {
  /** The keyword in lower case. */
  readonly name: string;
  /** Continuations joined, comments dropped, trimmed. */
  readonly text: string;
  /** `text` with the blanks at its end: an ONBUILD trigger keeps them. */
  readonly line: string;
  /** From the keyword to the end, heredocs included. */
  readonly span: SourceSpan;
  /** Where a part of `line` stands in the file, the end not included. */
  readonly place: (start: number, end: number) => SourceSpan;
  /** In the order of the line. */
  readonly heredocs: readonly Heredoc[];
  /** The last line of an instruction that has blank lines inside a continuation, heredocs left out: where docker warns of them. */
  readonly blankContinuation: SourceSpan | undefined;
}

/** The instruction of a joined line, without its heredocs. */
export function readInstruction({ text: joined, span, place }: JoinedLine): RawInstruction {
  const line = trimGoSpaceStart(joined);
  const command = splitCommand(line);
  const indent = joined.length - line.length;
  return {
    ...command,
    name: command.keyword.toLowerCase(),
    text: trimGoSpace(line),
    line,
    span,
    place: (start, end) => place(start + indent, end + indent),
    heredocs: [],
    blankContinuation: undefined,
  };
}

/** Where some text of the arguments stands, for errors about it; the whole instruction where it is not found. */
export function placeOfText({ line, argsStart, span, place }: RawInstruction, text: string): SourceSpan {
  const start = text === '' ? -1 : line.indexOf(text, argsStart);
  return start === -1 ? span : place(start, start + text.length);
}
