import { placeOfFlag, readFlags } from '../flags.ts';
import { parseGoDuration } from '../go-duration.ts';
import type { Command, HealthcheckInstruction } from '../instruction.ts';
import { parseJsonForm } from '../json-form.ts';
import { placeOfText } from '../raw-instruction.ts';
import type { RawInstruction } from '../raw-instruction.ts';
import { syntaxError } from '../syntax-error.ts';

const flagKinds = {
  interval: 'text',
  timeout: 'text',
  'start-period': 'text',
  'start-interval': 'text',
  retries: 'text',
} as const;

export function parseHealthcheck(raw: RawInstruction): HealthcheckInstruction {
  const flags = readFlags(raw, flagKinds);
  const [, type = '', args = ''] = /^([^\t\v\f\r ]*)[\t\v\f\r ]*(.*)$/s.exec(raw.args) ?? [];
  const common = { kind: 'healthcheck', span: raw.span, text: raw.text } as const;
  switch (type.toUpperCase()) {
    case '':
      throw syntaxError('HEALTHCHECK requires at least one argument', raw.span);
    case 'NONE':
      if (args !== '') throw syntaxError('HEALTHCHECK NONE takes no arguments', raw.span);
      return { ...common, check: { kind: 'none' } };
    case 'CMD':
      return {
        ...common,
        check: {
          kind: 'cmd',
          command: parseTest(args, raw),
          intervalNs: readDuration('interval', flags.interval, raw),
          timeoutNs: readDuration('timeout', flags.timeout, raw),
          startPeriodNs: readDuration('start-period', flags['start-period'], raw),
          startIntervalNs: readDuration('start-interval', flags['start-interval'], raw),
          retries: readRetries(flags.retries, raw),
        },
      };
    default:
      throw syntaxError(`Unknown type "${type.toUpperCase()}" in HEALTHCHECK (try CMD)`, placeOfText(raw, type));
  }
}

function parseTest(args: string, raw: RawInstruction): Command {
  const argv = parseJsonForm(args, raw.span);
  if (args === '' || argv?.length === 0) throw syntaxError('Missing command after HEALTHCHECK CMD', raw.span);
  return argv === undefined ? { form: 'shell', text: args } : { form: 'exec', argv };
}

function readDuration(name: string, text: string | undefined, raw: RawInstruction): number {
  if (text === undefined || text === '') return 0;
  const place = placeOfFlag(raw, name);
  const duration = parseGoDuration(text);
  if (duration === undefined) {
    throw syntaxError(
      `invalid duration "${text}" of --${name}`,
      place,
      'Write a number and a unit, for example 30s or 1m30s.',
    );
  }
  if (duration !== 0 && duration < 1_000_000) throw syntaxError(`Interval "${name}" cannot be less than 1ms`, place);
  return duration;
}

function readRetries(text: string | undefined, raw: RawInstruction): number {
  if (text === undefined || text === '') return 0;
  const place = placeOfFlag(raw, 'retries');
  const retries = /^[+-]?[0-9]+$/.test(text) ? Number(text) : Number.NaN;
  if (!(Math.abs(retries) < 2 ** 31)) throw syntaxError(`invalid number "${text}" of --retries`, place);
  if (retries < 0) throw syntaxError(`--retries cannot be negative (${retries})`, place);
  return retries;
}
