import { TbuildError } from '../index.ts';
import { parseArguments } from './command.ts';
import type { Command, Terminal } from './command.ts';
import { command as buildCommand } from './commands/build.ts';
import { commandLoaders, findLoader } from './commands/index.ts';
import { formatError } from './ui/error.ts';
import { textForTerminal } from './ui/terminal-text.ts';
import type { Ending } from './signals.ts';
import { watchForInterruption } from './signals.ts';

/** Runs one command line and resolves to the exit status. */
export async function main(argv: readonly string[]): Promise<number> {
  const { signal, ending, divert, release } = watchForInterruption(process);
  const { stdout, stderr } = process;
  const terminal: Terminal = {
    // Node opens it, and loads what it needs for that, when it is first touched.
    get stdin() {
      return process.stdin;
    },
    stdout,
    stderr,
    env: process.env,
    signal,
    divertSignals: divert,
  };
  const end = await dispatch(argv, terminal).then(
    (status): Ending => ({ status, message: undefined }),
    (error: unknown) => failure(error, argv),
  );
  release();
  const { status, message } = ending() ?? end;
  if (message !== undefined) stderr.write(`${forStream(message.trimEnd(), terminal)}\n`);
  // Whoever interrupts does not wait for a slow reader of what was printed before.
  if (signal.aborted && stdout.writableLength > 0) process.exit(status);
  return status;
}

/** Of a Dockerfile and of what commands print, much gets into messages. */
function forStream(message: string, { stderr, env }: Terminal): string {
  return stderr.isTTY ? textForTerminal(message, env) : message;
}

function failure(error: unknown, [command]: readonly string[]): Ending {
  const isMistake = error instanceof TbuildError && error.code === 'TBUILD_USAGE';
  // As `docker run`: any other status is that of the command.
  return { status: isMistake || command === 'run' ? 125 : 1, message: formatError(error) };
}

async function dispatch(argv: readonly string[], terminal: Terminal): Promise<number> {
  const [first, ...rest] = argv;
  if (first === 'help' && rest.length > 0) return dispatch([...rest, '--help'], terminal);
  if (first === undefined || first === 'help' || (isHelp(first) && rest.length === 0)) {
    terminal.stdout.write(await overview());
    return first === undefined ? 125 : 0;
  }
  const found = findLoader(argv);
  // `tbuild -t app .` works without the word build; so does `tbuild .`, but a mistyped command must not become a context.
  if (found === undefined && !first.startsWith('-') && !/[./]/.test(first)) throw unknownCommand(first);
  const command: Command = found === undefined ? buildCommand : await found.load();
  const args = parseArguments(command.spec, argv.slice(found?.words ?? 0));
  if (args.flag('help')) {
    const { formatHelp } = await import('./help.ts');
    terminal.stdout.write(formatHelp(command.spec));
    return 0;
  }
  return command.run(args, terminal);
}

async function overview(): Promise<string> {
  const commands = await Promise.all(commandLoaders.map(({ load }) => load()));
  const rows = commands.map(({ spec }) => `  ${spec.name.padEnd(12)}${spec.summary}`);
  return `Usage: tbuild [build] [OPTIONS] CONTEXT\n       tbuild COMMAND [OPTIONS]\n\nBuilds OCI images from Dockerfiles: no daemon, no engine, no root.\n\nCommands:\n${rows.join('\n')}\n\nRun 'tbuild COMMAND --help' for more about a command.\n`;
}

function isHelp(word: string): boolean {
  return word === '--help' || word === '-h';
}

function unknownCommand(word: string): TbuildError {
  const longer = commandLoaders.flatMap(({ names }) => names).filter((name) => name.startsWith(`${word} `));
  const hint =
    longer.length > 0
      ? `there is ${longer.map((name) => `tbuild ${name}`).join(', ')}`
      : `see tbuild --help; for a build context write ./${word}`;
  return new TbuildError('TBUILD_USAGE', `${JSON.stringify(word)} is not a tbuild command`, { hint });
}
