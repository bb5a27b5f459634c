import type { SourceSpan } from '../errors.ts';
import { buildInstruction } from './build-instruction.ts';
import type { Instruction } from './instruction.ts';
import { readBodies } from './heredoc-bodies.ts';
import { findHeredocs } from './heredoc.ts';
import { joinLines, placedLine } from './joined-line.ts';
import { readPhysicalLines, withContinuation } from './physical-lines.ts';
import { readInstruction } from './raw-instruction.ts';
import type { RawInstruction } from './raw-instruction.ts';
import { malformedLine } from './split-instructions.ts';
import { syntaxError } from './syntax-error.ts';

export interface ParseInstructionOptions {
  /** Where the text comes from, for people: `--change`, `ONBUILD of debian:trixie`. */
  readonly file: string;
  /** The kinds that may stand here. @default triggerKinds */
  readonly allowed?: ReadonlySet<Instruction['kind']>;
  /** @default the text as line 1 of `file` */
  readonly span?: SourceSpan;
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

/** Reads one instruction that stands by itself, with the bodies of its heredocs. Throws TBUILD_DOCKERFILE_SYNTAX and TBUILD_UNSUPPORTED. */
export function parseInstruction(text: string, options: ParseInstructionOptions): Instruction {
  const { file, allowed = triggerKinds } = options;
  const span = options.span ?? wholeSpan(text, file);
  const raw = readAlone(text, file, span);
  const name = raw.name.toUpperCase();
  if (name === 'FROM') throw syntaxError(`FROM isn't allowed in ${file}`, span);
  const instruction = buildInstruction(raw, escape);
  if (allowed.has(instruction.kind)) return instruction;
  throw syntaxError(`${name} isn't allowed in ${file}`, span, `Allowed are ${[...allowed].join(', ').toUpperCase()}.`);
}

/** The escape directive of the file that it ends up in means nothing here. */
const escape = '\\';

function readAlone(text: string, file: string, span: SourceSpan): RawInstruction {
  const lines = readPhysicalLines(text, file).map((line) => withContinuation(line, escape));
  const from = lines.findIndex(({ kind, continues }) => kind === 'text' && !continues) + 1 || lines.length;
  const group = lines.slice(0, from).filter(({ kind }) => kind === 'text');
  if (group.length === 0) throw syntaxError(`no instruction in ${file}`, span);
  const raw = readInstruction(placedLine(joinLines(group, file).text, span));
  if (malformedLine(raw, group) !== undefined) throw syntaxError('RUN holds bytes that are not UTF-8', span);
  const { heredocs, next } = readBodies(findHeredocs(raw), lines, { from, span });
  if (lines.slice(next).some(({ kind }) => kind === 'text')) {
    throw syntaxError(`more than one instruction in ${file}`, span, 'Give one instruction.');
  }
  return { ...raw, heredocs };
}

function wholeSpan(text: string, file: string): SourceSpan {
  return { file, line: 1, column: 1, endLine: 1, endColumn: text.length + 1 };
}
