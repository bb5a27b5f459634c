import { parseArgs } from 'node:util';
import { TbuildError } from '../index.ts';

/** An option that docker has and tbuild does not, yet. It is not in the help. */
export interface UnsupportedOption {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  /** What to do instead. */
  readonly instead: string;
}

/** One option of a command, as `--help`, docs/cli.md and the parser know it. */
export interface OptionSpec {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  readonly multiple?: boolean;
  /** What a switch is when it is not given. @default false */
  readonly initial?: boolean;
  /** Of a switch: words that it takes behind an equals sign, `--check=strict`. Each of them switches it on. */
  readonly words?: readonly string[];
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
  readonly unsupported?: Readonly<Record<string, UnsupportedOption>>;
  /** Options end at the first argument: what follows belongs to the command in the image. */
  readonly stopAtPositional?: boolean;
  readonly positionals: { readonly min: number; readonly max: number };
}

export interface ParsedArguments {
  readonly positionals: readonly string[];
  string(name: string): string | undefined;
  strings(name: string): readonly string[];
  flag(name: string): boolean;
  /** The word that a switch was given; undefined for none of its words. */
  word(name: string): string | undefined;
  /** One of the allowed words; undefined when the option is not given. Throws TBUILD_USAGE. */
  choice<T extends string>(name: string, allowed: readonly T[]): T | undefined;
}

export interface Terminal {
  readonly stdin: NodeJS.ReadStream & { readonly fd: number };
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: NodeJS.ProcessEnv;
  /** Aborted when the command must end early. */
  readonly signal: AbortSignal;
  /** Hands signals to `receive`, until what is returned is called. One that it does not take (false) interrupts as ever. */
  divertSignals(receive: (name: NodeJS.Signals) => boolean): () => void;
}

export interface Command {
  readonly spec: CommandSpec;
  /** Resolves to the exit status. */
  run(args: ParsedArguments, terminal: Terminal): Promise<number>;
}

/** Options that every command takes. */
export const commonOptions: Readonly<Record<string, OptionSpec>> = {
  help: { type: 'boolean', short: 'h', help: 'Print this help' },
  store: {
    type: 'string',
    value: 'DIR',
    help: 'Where layers and images are kept (default: $TBUILD_STORE, or your own store)',
  },
};

/** Throws TBUILD_USAGE, and TBUILD_UNSUPPORTED for what docker knows. */
export function parseArguments(spec: CommandSpec, argv: readonly string[]): ParsedArguments {
  const supported: Options = { ...commonOptions, ...spec.options };
  const options: Options = { ...spec.unsupported, ...supported };
  const { own, rest } = spec.stopAtPositional === true ? splitAtPositional(options, argv) : { own: argv, rest: [] };
  const config = Object.fromEntries(
    Object.entries(options).map(([name, { type, short, multiple = false }]) => [
      name,
      { type, multiple, ...(short === undefined ? {} : { short }) },
    ]),
  );
  const { words, switches, chosen } = takeSwitchValues({ options, supported }, own);
  let parsed: ReturnType<typeof parseArgs>;
  try {
    parsed = parseArgs({ args: [...words], options: config, allowPositionals: true, strict: true });
  } catch (cause) {
    const message = cause instanceof Error ? (cause.message.split(/\.\s/)[0] ?? cause.message) : String(cause);
    throw new TbuildError('TBUILD_USAGE', `tbuild ${spec.name}: ${message}`, {
      cause,
      hint: `see tbuild ${spec.name} --help`,
    });
  }
  const values = parsed.values as Record<string, string | boolean | string[] | undefined>;
  const positionals = [...parsed.positionals, ...rest];
  refuseUnsupported(spec, values);
  if (values['help'] !== true) checkCount(spec, positionals);
  const string = (name: string): string | undefined => values[name] as string | undefined;
  return {
    positionals,
    string,
    strings: (name) => (values[name] as string[] | undefined) ?? [],
    flag: (name) => switches.get(name) ?? (values[name] === true || options[name]?.initial === true),
    word: (name) => chosen.get(name),
    choice: (name, allowed) => oneOf(name, string(name), allowed),
  };
}

function refuseUnsupported({ name, unsupported = {} }: CommandSpec, values: Readonly<Record<string, unknown>>): void {
  for (const [option, { instead }] of Object.entries(unsupported)) {
    if (values[option] === undefined) continue;
    throw new TbuildError('TBUILD_UNSUPPORTED', `tbuild ${name}: --${option} is not supported yet`, { hint: instead });
  }
}

function oneOf<T extends string>(name: string, value: string | undefined, allowed: readonly T[]): T | undefined {
  const found = allowed.find((each) => each === value);
  if (value === undefined || found !== undefined) return found;
  throw new TbuildError('TBUILD_USAGE', `--${name} must be ${allowed.join(' or ')}, not ${JSON.stringify(value)}`);
}

function checkCount(spec: CommandSpec, positionals: readonly string[]): void {
  const { min, max } = spec.positionals;
  if (positionals.length >= min && positionals.length <= max) return;
  const wanted =
    positionals.length < min ? 'too few arguments' : `unexpected argument ${JSON.stringify(positionals[max])}`;
  throw new TbuildError('TBUILD_USAGE', `tbuild ${spec.name}: ${wanted}`, { hint: `usage: ${spec.usage}` });
}

/** docker's switches take a value behind an equals sign (Go's strconv.ParseBool): `--human=false`. The last one counts. */
function takeSwitchValues(
  { options, supported }: { readonly options: Options; readonly supported: Options },
  argv: readonly string[],
): {
  readonly words: readonly string[];
  readonly switches: ReadonlyMap<string, boolean>;
  readonly chosen: ReadonlyMap<string, string>;
} {
  const words: string[] = [];
  const switches = new Map<string, boolean>();
  const chosen = new Map<string, string>();
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? '';
    if (word === '--') return { words: [...words, ...argv.slice(index)], switches, chosen };
    const [, given = '', text] = /^(-[A-Za-z]|--[\w-]+)(?:=(.*))?$/s.exec(word) ?? [];
    const name = Object.keys(supported).find((each) => given === `--${each}` || given === `-${supported[each]?.short}`);
    const isSwitch = name !== undefined && supported[name]?.type === 'boolean';
    const isWord = isSwitch && text !== undefined && supported[name]?.words?.includes(text) === true;
    const value = text === undefined || isWord ? true : booleans.get(text.toLowerCase());
    if (isWord) chosen.set(name, text);
    else if (isSwitch && value !== undefined) chosen.delete(name);
    if (isSwitch && value !== undefined) switches.set(name, value);
    if (!isSwitch || value === undefined || text === undefined) words.push(word);
    if (word.startsWith('-') && word !== '-' && takesNextWord(options, word) && index + 1 < argv.length)
      words.push(argv[++index] ?? '');
  }
  return { words, switches, chosen };
}

const booleans: ReadonlyMap<string, boolean> = new Map([
  ...['1', 't', 'true'].map((text) => [text, true] as const),
  ...['0', 'f', 'false'].map((text) => [text, false] as const),
]);

type Options = Readonly<Record<string, Pick<OptionSpec, 'type' | 'short' | 'multiple' | 'initial' | 'words'>>>;

function splitAtPositional(
  options: Options,
  argv: readonly string[],
): { own: readonly string[]; rest: readonly string[] } {
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? '';
    if (word === '--') return { own: argv.slice(0, index), rest: argv.slice(index + 1) };
    if (!word.startsWith('-') || word === '-') return { own: argv.slice(0, index), rest: argv.slice(index) };
    if (takesNextWord(options, word)) index++;
  }
  return { own: argv, rest: [] };
}

/** `--env`, `-e` and `-ie` are followed by their value; `--env=A=1`, `-eA=1` and `-i` are not. */
function takesNextWord(options: Options, word: string): boolean {
  if (word.startsWith('--')) return !word.includes('=') && options[word.slice(2)]?.type === 'string';
  const first = word
    .slice(1)
    .split('')
    .findIndex((letter) => Object.values(options).find(({ short }) => short === letter)?.type !== 'boolean');
  const letter = first < 0 ? undefined : word[first + 1];
  return first + 2 === word.length && Object.values(options).some(({ short }) => short === letter);
}
