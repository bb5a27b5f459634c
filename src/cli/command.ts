import { parseArgs } from 'node:util';
import { TbuildError } from '../index.ts';

/** One option of a command, as `--help`, docs/cli.md and the parser know it. */
export interface OptionSpec {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  readonly multiple?: boolean;
  /** What stands for the value in the help, e.g. `NAME`. */
  readonly value?: string;
  readonly help: string;
}

export interface CommandSpec {
  readonly name: string;
  /** Further words that mean it. */
  readonly aliases?: readonly string[];
  readonly usage: string;
  readonly summary: string;
  readonly details?: string;
  readonly options: Readonly<Record<string, OptionSpec>>;
  /** Options end at the first argument: what follows belongs to the command in the image. */
  readonly stopAtPositional?: boolean;
  readonly positionals: { readonly min: number; readonly max: number };
}

export interface ParsedArguments {
  readonly positionals: readonly string[];
  string(name: string): string | undefined;
  strings(name: string): readonly string[];
  flag(name: string): boolean;
}

export interface Terminal {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  /** Aborted by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
}

export interface Command {
  readonly spec: CommandSpec;
  /** Resolves to the exit status. */
  run(args: ParsedArguments, terminal: Terminal): Promise<number>;
}

/** Options that every command takes. */
export const commonOptions: Readonly<Record<string, OptionSpec>> = {
  help: { type: 'boolean', help: 'Print this help' },
  store: {
    type: 'string',
    value: 'DIR',
    help: 'Where layers and images are kept (default: $TBUILD_STORE, or your own store)',
  },
};

export function parseArguments(spec: CommandSpec, argv: readonly string[]): ParsedArguments {
  const options = { ...commonOptions, ...spec.options };
  const { own, rest } = spec.stopAtPositional === true ? splitAtPositional(options, argv) : { own: argv, rest: [] };
  const config = Object.fromEntries(
    Object.entries(options).map(([name, { type, short, multiple }]) => [
      name,
      { type, multiple: multiple ?? false, ...(short === undefined ? {} : { short }) },
    ]),
  );
  let parsed: ReturnType<typeof parseArgs>;
  try {
    parsed = parseArgs({ args: [...own], options: config, allowPositionals: true, strict: true });
  } catch (cause) {
    const message = cause instanceof Error ? (cause.message.split('. ')[0] ?? cause.message) : String(cause);
    throw new TbuildError('TBUILD_USAGE', `tbuild ${spec.name}: ${message}`, {
      cause,
      hint: `see tbuild ${spec.name} --help`,
    });
  }
  const values = parsed.values as Record<string, string | boolean | string[] | undefined>;
  const positionals = [...parsed.positionals, ...rest];
  if (values['help'] !== true) checkCount(spec, positionals);
  return {
    positionals,
    string: (name) => values[name] as string | undefined,
    strings: (name) => (values[name] as string[] | undefined) ?? [],
    flag: (name) => values[name] === true,
  };
}

function checkCount(spec: CommandSpec, positionals: readonly string[]): void {
  const { min, max } = spec.positionals;
  if (positionals.length >= min && positionals.length <= max) return;
  const wanted =
    positionals.length < min ? 'too few arguments' : `unexpected argument ${JSON.stringify(positionals[max])}`;
  throw new TbuildError('TBUILD_USAGE', `tbuild ${spec.name}: ${wanted}`, { hint: `usage: ${spec.usage}` });
}

function splitAtPositional(
  options: Readonly<Record<string, OptionSpec>>,
  argv: readonly string[],
): { own: readonly string[]; rest: readonly string[] } {
  const shorts = new Map(Object.entries(options).map(([name, { short }]) => [short ?? '', name]));
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? '';
    if (word === '--') return { own: argv.slice(0, index), rest: argv.slice(index + 1) };
    if (!word.startsWith('-') || word === '-') return { own: argv.slice(0, index), rest: argv.slice(index) };
    const name = word.startsWith('--') ? word.slice(2) : word.length === 2 ? (shorts.get(word.slice(1)) ?? '') : '';
    if (!word.includes('=') && options[name]?.type === 'string') index++;
  }
  return { own: argv, rest: [] };
}

/** The text of `--help`. */
export function formatHelp(spec: CommandSpec): string {
  const rows = Object.entries({ ...spec.options, ...commonOptions }).map(([name, option]) => {
    const short = option.short === undefined ? '    ' : `-${option.short}, `;
    const value = option.type === 'string' ? ` ${option.value ?? 'VALUE'}` : '';
    return [`  ${short}--${name}${value}`, option.help] as const;
  });
  const width = Math.min(38, Math.max(...rows.map(([left]) => left.length))) + 2;
  const lines = rows.map(([left, help]) =>
    left.length < width ? left.padEnd(width) + help : `${left}\n${' '.repeat(width)}${help}`,
  );
  const details = spec.details === undefined ? '' : `\n${spec.details.trim()}\n`;
  return `Usage: ${spec.usage}\n\n${spec.summary}\n${details}\nOptions:\n${lines.join('\n')}\n`;
}
