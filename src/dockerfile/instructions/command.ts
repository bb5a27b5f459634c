import { placeOfFlag, readFlags, refuseFlags } from '../flags.ts';
import type {
  CmdInstruction,
  Command,
  EntrypointInstruction,
  RunInstruction,
  ShellInstruction,
} from '../instruction.ts';
import { parseJsonForm } from '../json-form.ts';
import type { RawInstruction } from '../raw-instruction.ts';
import { parseMountFlag } from '../mount-flag.ts';
import { suggest } from '../suggest.ts';
import { syntaxError, unsupported } from '../syntax-error.ts';
import { readHeredocs } from './run-heredoc.ts';

/** `RUN` without a command runs an empty shell line, as docker has it; `RUN []` has nothing to run. */
export function parseRun(raw: RawInstruction): RunInstruction {
  const flags = readFlags(raw, { network: 'text', mount: 'list', security: 'text', device: 'list' });
  if (flags.device !== undefined) throw refuseDevice(raw);
  const parts =
    raw.heredocs.length > 0
      ? readHeredocs(raw)
      : ({ text: raw.text, command: parseCommand(raw), script: undefined } as const);
  const { command } = parts;
  if (command.form === 'exec' && command.argv.length === 0) throw syntaxError('RUN requires a command', raw.span);
  const mounts = (flags.mount ?? []).map((text, index) => parseMountFlag(text, placeOfFlag(raw, 'mount', index)));
  const network = readNetwork(flags.network, raw);
  return { kind: 'run', span: raw.span, ...parts, network, security: readSecurity(flags.security, raw), mounts };
}

export function parseCmd(raw: RawInstruction): CmdInstruction {
  refuseFlags(raw);
  return { kind: 'cmd', span: raw.span, text: raw.text, command: parseCommand(raw) };
}

export function parseEntrypoint(raw: RawInstruction): EntrypointInstruction {
  refuseFlags(raw);
  return { kind: 'entrypoint', span: raw.span, text: raw.text, command: parseCommand(raw) };
}

export function parseShell(raw: RawInstruction): ShellInstruction {
  refuseFlags(raw);
  const argv = parseJsonForm(raw.args, raw.span);
  if (raw.args === '' || argv?.length === 0) throw syntaxError('SHELL requires at least one argument', raw.span);
  if (argv === undefined) {
    const hint = 'Write SHELL ["/bin/sh", "-c"], with double quotes.';
    throw syntaxError('SHELL requires the arguments to be in JSON form', raw.span, hint);
  }
  return { kind: 'shell', span: raw.span, text: raw.text, argv };
}

function parseCommand({ args, span }: RawInstruction): Command {
  const argv = parseJsonForm(args, span);
  return argv === undefined ? { form: 'shell', text: args } : { form: 'exec', argv };
}

function readSecurity(value: string | undefined, raw: RawInstruction): RunInstruction['security'] {
  if (value === undefined || value === 'sandbox' || value === 'insecure') return value;
  throw syntaxError(
    `security "${value}" is not supported`,
    placeOfFlag(raw, 'security'),
    'The modes are sandbox and insecure.',
  );
}

function refuseDevice(raw: RawInstruction): Error {
  return unsupported(
    'RUN --device',
    placeOfFlag(raw, 'device'),
    'Devices are handed out by a daemon that knows them (CDI). A command of tbuild runs in a user namespace, where no device of this machine can be opened.',
  );
}

function readNetwork(value: string | undefined, raw: RawInstruction): RunInstruction['network'] {
  if (value === undefined || value === 'default' || value === 'none' || value === 'host') return value;
  const near = suggest(value, ['default', 'none', 'host']);
  throw syntaxError(
    `invalid network mode "${value}"`,
    placeOfFlag(raw, 'network'),
    near === undefined ? 'The modes are default, none and host.' : `Did you mean ${near}?`,
  );
}
