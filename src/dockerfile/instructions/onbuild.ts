import { refuseFlags } from '../flags.ts';
import type { OnbuildInstruction } from '../instruction.ts';
import { parseJsonForm } from '../json-form.ts';
import { splitCommand } from '../split-command.ts';
import type { RawInstruction } from '../raw-instruction.ts';
import { syntaxError } from '../syntax-error.ts';
import { splitPairs } from './key-values.ts';

/** As docker, this keeps the trigger to the letter and looks at its keyword and at how its words are written: the rest is read by the build that it fires in. */
export function parseOnbuild(raw: RawInstruction, escape: string): OnbuildInstruction {
  refuseFlags(raw);
  if (raw.args === '') throw syntaxError('ONBUILD requires at least one argument', raw.span);
  const command = splitCommand(raw.args);
  const trigger = command.keyword.toUpperCase();
  if (trigger === 'ONBUILD') throw syntaxError("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed", raw.span);
  if (trigger === 'FROM' || trigger === 'MAINTAINER') {
    throw syntaxError(`${trigger} isn't allowed as an ONBUILD trigger`, raw.span);
  }
  checkWords({ ...raw, ...command, name: trigger.toLowerCase() }, escape);
  const line = raw.line.slice(raw.keyword.length).replace(/^[\t\n\f\r ]+/, '');
  const bodies = raw.heredocs.map(({ name, content }) => `\n${content}${name}`);
  return { kind: 'onbuild', span: raw.span, text: raw.text, trigger: line + bodies.join('') };
}

function checkWords(trigger: RawInstruction, escape: string): void {
  if (trigger.name === 'env' || trigger.name === 'label') splitPairs(trigger, escape);
  else if (trigger.name === 'healthcheck') parseJsonForm(trigger.args.replace(/^\S*/, ''), trigger.span);
  else if (withJsonForm.has(trigger.name)) parseJsonForm(trigger.args, trigger.span);
}

const withJsonForm: ReadonlySet<string> = new Set(['add', 'cmd', 'copy', 'entrypoint', 'run', 'shell', 'volume']);
