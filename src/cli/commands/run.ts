import { runImage, TbuildError } from '../../index.ts';
import type { RunResult, RunVolume } from '../../index.ts';
import { attach, terminalSize } from '../attach.ts';
import type { Attachment } from '../attach.ts';
import type { Command, CommandSpec, ParsedArguments, Terminal } from '../command.ts';
import { drained } from '../drained.ts';
import { fromEnvironment, settings } from '../key-values.ts';

const ports = "leave it out: with the host's network, the default, a port of the command is one of this machine";

const spec: CommandSpec = {
  name: 'run',
  usage: 'tbuild run [OPTIONS] IMAGE [COMMAND] [ARG...]',
  summary: 'Run a command on an image',
  details: `What the command writes goes to a directory of its own on top of the layers. Without --rm it is kept, and its place is told.

With -it it has a terminal that works as this one does: tbuild run --rm -it IMAGE sh
Signals are passed on. A second Ctrl-C kills the command.`,
  stopAtPositional: true,
  positionals: { min: 1, max: Number.POSITIVE_INFINITY },
  options: {
    env: {
      type: 'string',
      short: 'e',
      multiple: true,
      value: 'NAME[=VALUE]',
      help: 'Environment variable; without VALUE as here, set or not',
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
    tty: { type: 'boolean', short: 't', help: 'Give the command a terminal' },
    userns: {
      type: 'string',
      value: 'auto|host',
      help: 'As root: host runs the command without a user namespace of its own',
    },
  },
  unsupported: {
    detach: {
      type: 'boolean',
      short: 'd',
      instead: 'put it into the background with & in the shell, or under a service manager: systemd-run tbuild run …',
    },
    name: { type: 'string', instead: 'leave it out: tbuild inspect takes the id of a container' },
    publish: { type: 'string', short: 'p', instead: ports },
    'publish-all': { type: 'boolean', short: 'P', instead: ports },
  },
};

export const command: Command = {
  spec,
  async run(args, terminal) {
    const { kept, id, exitCode } = await runAttached(args, terminal);
    if (kept !== undefined) terminal.stderr.write(`container ${id}: what it changed is in ${kept}\n`);
    return exitCode;
  },
};

/** When it resolves, terminal and signals are this process's again. */
async function runAttached(args: ParsedArguments, terminal: Terminal): Promise<RunResult> {
  const { stdin, stdout, stderr, signal } = terminal;
  const [image = '', ...argv] = args.positionals;
  const isInteractive = args.flag('interactive');
  const hasTerminal = args.flag('tty');
  if (hasTerminal && isInteractive && !stdin.isTTY) {
    throw new TbuildError('TBUILD_USAGE', 'the input device is not a TTY', {
      hint: 'leave -t out where standard input is no terminal: tbuild run -i',
    });
  }
  let attachment: Attachment | undefined;
  try {
    return await runImage({
      image,
      argv,
      env: settings('--env', args.strings('env'), fromEnvironment),
      volumes: args.strings('volume').map(parseVolume),
      workdir: args.string('workdir'),
      user: args.string('user'),
      remove: args.flag('rm'),
      network: args.choice('network', ['host', 'none']),
      userns: args.choice('userns', ['auto', 'host']),
      entrypoint: args.string('entrypoint'),
      stdin: isInteractive ? stdin : undefined,
      terminal: hasTerminal ? terminalSize(stdout) : undefined,
      storeRoot: args.string('store'),
      signal,
      onStarted: (started) => void (attachment = attach(started, terminal, { hasTerminal, isInteractive })),
      async onOutput(name, chunk) {
        // What a command writes to its terminal is all of its output: this is why it could not be executed.
        if (hasTerminal && name === 'stderr') attachment?.[Symbol.dispose]();
        if (attachment?.isHungUp() === true) return;
        const stream = name === 'stdout' ? stdout : stderr;
        stream.write(chunk);
        await drained(stream, signal);
      },
    });
  } finally {
    attachment?.[Symbol.dispose]();
    // Whoever writes there may never end; the command has.
    if (isInteractive) stdin.destroy();
  }
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
