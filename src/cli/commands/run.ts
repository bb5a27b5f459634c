import { runImage, TbuildError } from '../../index.ts';
import type { RunVolume } from '../../index.ts';
import type { Command, CommandSpec } from '../command.ts';
import { drained } from '../drained.ts';
import { fromEnvironment, keyValues } from '../key-values.ts';

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
    const isInteractive = args.flag('interactive');
    try {
      const result = await runImage({
        image,
        argv,
        env: keyValues('--env', args.strings('env'), fromEnvironment),
        volumes: args.strings('volume').map(parseVolume),
        workdir: args.string('workdir'),
        user: args.string('user'),
        remove: args.flag('rm'),
        network: args.choice('network', ['host', 'none']),
        userns: args.choice('userns', ['auto', 'host']),
        entrypoint: args.string('entrypoint'),
        stdin: isInteractive ? stdin : undefined,
        storeRoot: args.string('store'),
        signal,
        async onOutput(name, chunk) {
          const stream = name === 'stdout' ? stdout : stderr;
          stream.write(chunk);
          await drained(stream, signal);
        },
      });
      if (result.kept !== undefined) stderr.write(`container ${result.id}: what it changed is in ${result.kept}\n`);
      return result.exitCode;
    } finally {
      // Whoever writes there may never end; the command has.
      if (isInteractive) stdin.destroy();
    }
  },
};

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
