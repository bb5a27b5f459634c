import { heredocFileName, heredocText, parseHeredocMark, summarizeHeredoc } from '../heredoc.ts';
import type { RunInstruction } from '../instruction.ts';
import type { RawInstruction } from '../raw-instruction.ts';
import { syntaxError, unsupported } from '../syntax-error.ts';
import { isWellFormed, toWellFormed } from '../well-formed.ts';

type HeredocCommand = Pick<RunInstruction, 'text' | 'command' | 'script'>;

/**
 * What a RUN with heredocs executes. One that stands alone is the text of the shell, or is executed itself where it begins with `#!`; in any other case the shell gets line and bodies as they
 * are written, and reads them itself.
 */
export function readHeredocs(raw: RawInstruction): HeredocCommand {
  const [heredoc] = raw.heredocs;
  if (heredoc === undefined || parseHeredocMark(raw.args) === undefined) {
    const bodies = raw.heredocs.map(({ name, content }) => `\n${content}${name}`);
    return shellCommand(raw, raw.args + bodies.join(''));
  }
  const text = raw.text + toWellFormed(summarizeHeredoc(heredoc));
  const content = heredocText(heredoc);
  if (!heredoc.content.startsWith('#!')) return { ...shellCommand(raw, content), text };
  const name = heredocFileName(heredoc);
  if (name === undefined)
    throw syntaxError(`the script ${heredoc.name} must not have a directory in its name`, raw.span);
  if (Buffer.byteLength(content) > maxScriptBytes) {
    throw unsupported(
      `a script of more than ${maxScriptBytes} bytes in a heredoc`,
      raw.span,
      'COPY it as a file, and run that.',
    );
  }
  return { ...shellCommand(raw, `/dev/pipes/${name}`), text, script: { name, content } };
}

/** It reaches the helper in one message, which holds no more than a megabyte. */
const maxScriptBytes = 400_000;

function shellCommand({ text, span }: RawInstruction, command: string): HeredocCommand {
  if (!isWellFormed(command)) throw syntaxError('RUN holds bytes that are not UTF-8', span);
  return { text, command: { form: 'shell', text: command }, script: undefined };
}
