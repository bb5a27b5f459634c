import { TbuildError } from '../index.ts';
import { formatHelp, parseArguments } from './command.ts';
import type { Command, Terminal } from './command.ts';
import { command as buildCommand } from './commands/build.ts';
import { commandLoaders, findLoader } from './commands/index.ts';
import { formatError } from './ui/error.ts';
import { handleSignals } from './signals.ts';

/** Runs one command line and resolves to the exit status. */
export async function main(argv: readonly string[]): Promise<number> {
  const { signal, release } = handleSignals();
  const { stdin, stdout, stderr } = process;
  const terminal: Terminal = { stdin, stdout, stderr, signal };
  try {
    return await dispatch(argv, terminal);
  } catch (error) {
    if (signal.aborted) {
      stderr.write('interrupted\n');
      return 130;
    }
    if (isBrokenPipe(error)) return 141;
    stderr.write(formatError(error));
    return error instanceof TbuildError && error.code === 'TBUILD_USAGE' ? 125 : 1;
  } finally {
    release();
  }
}

async function dispatch(argv: readonly string[], terminal: Terminal): Promise<number> {
  const [first] = argv;
  if (first === undefined || first === 'help' || (first === '--help' && argv.length === 1)) {
    terminal.stdout.write(await overview());
    return first === undefined ? 125 : 0;
  }
  const found = findLoader(argv);
  // `tbuild -t app .` works without the word build; so does `tbuild .`, but a mistyped command must not become a context.
  if (found === undefined && !first.startsWith('-') && !/[./]/.test(first)) throw unknownCommand(first);
  const command: Command = found === undefined ? buildCommand : await found.load();
  const args = parseArguments(command.spec, argv.slice(found?.words ?? 0));
  if (args.flag('help')) {
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

function unknownCommand(word: string): TbuildError {
  return new TbuildError('TBUILD_USAGE', `${JSON.stringify(word)} is not a tbuild command`, {
    hint: `see tbuild --help; for a build context write ./${word}`,
  });
}

function isBrokenPipe(error: unknown): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === 'EPIPE';
}
