import type { SourceSpan } from '../errors.ts';
import { trimGoSpace, trimGoSpaceStart } from './go-space.ts';
import { findHeredoc } from './heredoc.ts';
import { splitCommand } from './split-command.ts';
import type { SplitCommand } from './split-command.ts';
import { unsupported } from './syntax-error.ts';

/** An instruction before its arguments mean anything. */
export interface RawInstruction extends SplitCommand {
  /** The keyword in lower case. */
  readonly name: string;
  /** Continuations joined, comments dropped, trimmed. */
  readonly text: string;
  /** `text` with the blanks at its end: an ONBUILD trigger keeps them. */
  readonly line: string;
  readonly span: SourceSpan;
  /** Blank lines inside a continuation: docker warns once for each instruction that has some. */
  readonly blankLine: SourceSpan | undefined;
}

/** One instruction of a joined line. A heredoc is TBUILD_UNSUPPORTED. */
export function readInstruction(text: string, span: SourceSpan, escape: string): RawInstruction {
  const command = splitCommand(text);
  const line = trimGoSpaceStart(text);
  const name = command.keyword.toLowerCase();
  const raw = { ...command, name, text: trimGoSpace(line), line, span, blankLine: undefined };
  refuseHeredoc(raw, escape);
  return raw;
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
