import { contextSources } from './context-sources.ts';
import type { CopiedFile } from './evidence.ts';
import type { LookedStep } from './looked.ts';
import { resolveIn, runCommands } from './run-commands.ts';
import type { PlacedCommand } from './run-commands.ts';

export interface WrittenPath {
  /** Absolute. */
  readonly path: string;
  /** Of the file; undefined: not known. */
  readonly size: number | undefined;
}

/** What an instruction puts into the image under a path that can be read from it. */
export function writtenPaths(
  { expanded, draft }: LookedStep,
  copied: readonly CopiedFile[] | undefined,
): readonly WrittenPath[] {
  const workdir = draft.config.WorkingDir ?? '/';
  if (expanded.kind === 'run') {
    return runCommands(expanded, workdir).flatMap((command) =>
      filesWritten(command).map((path) => ({ path, size: undefined })),
    );
  }
  if (expanded.kind !== 'copy' && expanded.kind !== 'add') return [];
  const { destination, sources, inlineFiles } = expanded;
  const names = [...sources, ...inlineFiles.map(({ name }) => name)];
  const base = resolveIn(workdir, destination);
  if (base === undefined) return [];
  const isDirectory = destination.endsWith('/') || names.length > 1;
  const isFromContext = contextSources(expanded).length > 0;
  if (isFromContext && copied !== undefined) {
    return copied.map(({ path, place, size }) => {
      const name = place ?? (isDirectory ? nameOf(path) : '');
      return { path: under(base, name), size };
    });
  }
  return names.map((name) => ({ path: isDirectory ? under(base, nameOf(name)) : base, size: undefined }));
}

/** What a command says that it writes, absolute. */
export function filesWritten({ program, args, written, directory }: PlacedCommand): readonly string[] {
  return [...written, ...outputArguments(program, args)].flatMap((path) => resolveIn(directory, path) ?? []);
}

/** The letter and the word with which a program is told which file to write. */
const outputOptions: ReadonlyMap<string, readonly [string, string]> = new Map([
  ['curl', ['o', '--output']],
  ['wget', ['O', '--output-document']],
]);

function outputArguments(program: string, args: readonly string[]): readonly string[] {
  const options = outputOptions.get(program);
  if (options !== undefined) {
    const [letter, word] = options;
    return args.flatMap((arg, index) => {
      // curl -fsSLo FILE
      const isOption = arg === word || (/^-[A-Za-z]+$/.test(arg) && arg.endsWith(letter));
      if (isOption) return args[index + 1] ?? [];
      return arg.startsWith(`${word}=`) ? arg.slice(word.length + 1) : [];
    });
  }
  const [verb, url, target] = args.filter(
    (arg, index) => !arg.startsWith('-') && !['--depth', '--branch', '-b'].includes(args[index - 1] ?? ''),
  );
  return program === 'git' && verb === 'clone' && url !== undefined && target !== undefined ? [target] : [];
}

function under(directory: string, path: string): string {
  if (path === '') return directory;
  return directory === '/' ? `/${path}` : `${directory}/${path}`;
}

function nameOf(path: string): string {
  const trimmed = path.replace(/\/+$/, '');
  return trimmed.slice(trimmed.lastIndexOf('/') + 1);
}
