import type { SourceSpan } from '../errors.ts';
import { buildInstruction } from './build-instruction.ts';
import type { Instruction } from './instruction.ts';
import { readInstruction } from './raw-instruction.ts';
import { syntaxError } from './syntax-error.ts';

export interface ParseInstructionOptions {
  /** Where the text comes from, for people: `--change`, `ONBUILD of debian:trixie`. */
  readonly file: string;
  /** The kinds that may stand here. @default triggerKinds */
  readonly allowed?: ReadonlySet<Instruction['kind']>;
  /** @default the text as line 1 of `file` */
  readonly span?: SourceSpan;
  /** @default '\\' */
  readonly escape?: '\\' | '`';
}

/** What ONBUILD may hold. */
export const triggerKinds: ReadonlySet<Instruction['kind']> = new Set([
  'add',
  'arg',
  'cmd',
  'copy',
  'entrypoint',
  'env',
  'expose',
  'healthcheck',
  'label',
  'run',
  'shell',
  'stopsignal',
  'user',
  'volume',
  'workdir',
]);

/** What `docker import --change` takes. */
export const changeKinds: ReadonlySet<Instruction['kind']> = new Set([
  'cmd',
  'entrypoint',
  'env',
  'expose',
  'healthcheck',
  'label',
  'onbuild',
  'stopsignal',
  'user',
  'volume',
  'workdir',
]);

/** Reads one instruction that stands by itself, on one line. Throws TBUILD_DOCKERFILE_SYNTAX and TBUILD_UNSUPPORTED. */
export function parseInstruction(text: string, options: ParseInstructionOptions): Instruction {
  const { file, allowed = triggerKinds, escape = '\\' } = options;
  const span = options.span ?? { file, line: 1, column: 1, endLine: 1, endColumn: text.length + 1 };
  const raw = readInstruction(text, span, escape);
  if (raw.keyword === '') throw syntaxError(`no instruction in ${file}`, span);
  if (raw.text.includes('\n'))
    throw syntaxError(`more than one line in ${file}`, span, 'Give one instruction on one line.');
  const name = raw.name.toUpperCase();
  if (name === 'FROM') throw syntaxError(`FROM isn't allowed in ${file}`, span);
  const instruction = buildInstruction(raw, escape);
  if (allowed.has(instruction.kind)) return instruction;
  throw syntaxError(`${name} isn't allowed in ${file}`, span, `Allowed are ${[...allowed].join(', ').toUpperCase()}.`);
}
