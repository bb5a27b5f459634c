import { runImage, TbuildError } from '../../index.ts';
import type { RunVolume } from '../../index.ts';
import type { Command, CommandSpec, ParsedArguments } from '../command.ts';

const spec: CommandSpec = {
  name: 'run',
  usage: 'tbuild run [OPTIONS] IMAGE [COMMAND] [ARG...]',
  summary: 'Run a command on an image',
  details:
    'What the command writes goes to a directory of its own on top of the layers. Without --rm it is kept, and its place is told.',
  stopAtPositional: true,
  positionals: { min: 1, max: Number.POSITIVE_INFINITY },
  options: {
    env: {
      type: 'string',
      short: 'e',
      multiple: true,
      value: 'NAME[=VALUE]',
      help: 'Environment variable; without VALUE, as here',
    },
    volume: {
      type: 'string',
      short: 'v',
      multiple: true,
      value: 'HOST:PATH[:ro]',
      help: 'Show a directory or file of this machine inside',
    },
    workdir: { type: 'string', short: 'w', value: 'DIR', help: 'Working directory inside' },
    user: { type: 'string', short: 'u', value: 'USER[:GROUP]', help: 'User, by name or id' },
    rm: { type: 'boolean', help: 'Remove what the command wrote' },
    network: { type: 'string', value: 'host|none', help: 'Network (default: host)' },
    entrypoint: { type: 'string', value: 'PROGRAM', help: "Instead of the image's ENTRYPOINT" },
    interactive: { type: 'boolean', short: 'i', help: 'Pass standard input on' },
    userns: {
      type: 'string',
      value: 'auto|host',
      help: 'As root: host runs the command without a user namespace of its own',
    },
  },
};

export const command: Command = {
  spec,
  async run(args, { stdin, stdout, stderr, signal }) {
    const [image = '', ...argv] = args.positionals;
    const result = await runImage({
      image,
      argv,
      env: environment(args.strings('env')),
      volumes: args.strings('volume').map(parseVolume),
      workdir: args.string('workdir'),
      user: args.string('user'),
      remove: args.flag('rm'),
      network: choice(args, 'network', ['host', 'none']),
      userns: choice(args, 'userns', ['auto', 'host']),
      entrypoint: args.string('entrypoint'),
      stdin: args.flag('interactive') ? stdin : undefined,
      storeRoot: args.string('store'),
      signal,
      onOutput: (stream, chunk) => writeAll(stream === 'stdout' ? stdout : stderr, chunk),
    });
    if (result.kept !== undefined) stderr.write(`container ${result.id}: what it changed is in ${result.kept}\n`);
    return result.exitCode;
  },
};

function writeAll(stream: NodeJS.WriteStream, chunk: Uint8Array): Promise<void> | void {
  if (stream.write(chunk)) return undefined;
  return new Promise((resolve) => stream.once('drain', () => resolve()));
}

function environment(given: readonly string[]): Record<string, string> {
  const values: Record<string, string> = {};
  for (const text of given) {
    const equals = text.indexOf('=');
    const name = equals < 0 ? text : text.slice(0, equals);
    if (name === '') throw new TbuildError('TBUILD_USAGE', `--env ${JSON.stringify(text)} has no name`);
    const value = equals < 0 ? process.env[name] : text.slice(equals + 1);
    if (value !== undefined) values[name] = value;
  }
  return values;
}

function parseVolume(text: string): RunVolume {
  const [source = '', target = '', mode = 'rw', ...more] = text.split(':');
  if (source === '' || !target.startsWith('/') || more.length > 0 || !['ro', 'rw'].includes(mode)) {
    throw new TbuildError(
      'TBUILD_USAGE',
      `--volume must be HOST:PATH[:ro], with an absolute PATH, not ${JSON.stringify(text)}`,
    );
  }
  return { source, target, readonly: mode === 'ro' };
}

function choice<T extends string>(args: ParsedArguments, name: string, allowed: readonly T[]): T | undefined {
  const value = args.string(name);
  const found = allowed.find((each) => each === value);
  if (value === undefined || found !== undefined) return found;
  throw new TbuildError('TBUILD_USAGE', `--${name} must be ${allowed.join(' or ')}, not ${JSON.stringify(value)}`);
}
