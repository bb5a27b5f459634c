import { refuseFlags } from '../flags.ts';
import type { OnbuildInstruction } from '../instruction.ts';
import { splitCommand } from '../split-command.ts';
import type { RawInstruction } from '../raw-instruction.ts';
import { syntaxError } from '../syntax-error.ts';

/** As docker, this keeps the trigger to the letter and looks at no more of the trigger than its keyword: the rest is read by the build that it fires in. */
export function parseOnbuild(raw: RawInstruction): OnbuildInstruction {
  refuseFlags(raw);
  if (raw.args === '') throw syntaxError('ONBUILD requires at least one argument', raw.span);
  const trigger = splitCommand(raw.args).keyword.toUpperCase();
  if (trigger === 'ONBUILD') throw syntaxError("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed", raw.span);
  if (trigger === 'FROM' || trigger === 'MAINTAINER') {
    throw syntaxError(`${trigger} isn't allowed as an ONBUILD trigger`, raw.span);
  }
  const line = raw.line.slice(raw.keyword.length).replace(/^[\t\n\f\r ]+/, '');
  const bodies = raw.heredocs.map(({ name, content }) => `\n${content}${name}`);
  return { kind: 'onbuild', span: raw.span, text: raw.text, trigger: line + bodies.join('') };
}
