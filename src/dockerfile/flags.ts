import type { SourceSpan } from '../errors.ts';
import type { RawInstruction } from './raw-instruction.ts';
import type { SplitFlag } from './split-command.ts';
import { suggest } from './suggest.ts';
import { syntaxError, unsupported } from './syntax-error.ts';

/** What a flag takes; only a `list` may be given more than once. `unsupported` ones are docker's and not yet ours. */
export type FlagKind = 'text' | 'boolean' | 'list' | 'unsupported';

/** The values of flags by name without `--`; those that were not given are not there. */
export type FlagValues<Kinds extends Readonly<Record<string, FlagKind>>> = {
  readonly [Name in keyof Kinds]?: Kinds[Name] extends 'list'
    ? readonly string[]
    : Kinds[Name] extends 'boolean'
      ? boolean
      : string;
};

/** The flags of an instruction. Throws TBUILD_DOCKERFILE_SYNTAX with docker's wording and the flag's place, and TBUILD_UNSUPPORTED. */
export function readFlags<const Kinds extends Readonly<Record<string, FlagKind>>>(
  raw: RawInstruction,
  kinds: Kinds,
): FlagValues<Kinds> {
  const values: Record<string, string | boolean | string[]> = {};
  for (const flag of raw.flags.map((split) => openFlag(split, raw))) {
    const { name } = flag;
    const kind = kindOf(flag, kinds, raw);
    const earlier = Object.hasOwn(values, name) ? values[name] : undefined;
    if (kind === 'list') {
      const list = Array.isArray(earlier) ? earlier : [];
      list.push(readText(flag));
      values[name] = list;
      continue;
    }
    if (earlier !== undefined) throw flag.wrong(`duplicate flag specified: --${name}`);
    values[name] = kind === 'boolean' ? readBoolean(flag) : readText(flag);
  }
  return values as FlagValues<Kinds>;
}

/** For instructions that take none. */
export function refuseFlags(raw: RawInstruction): void {
  readFlags(raw, {});
}

/** Where a flag stands, for errors about its value; of a `list` the one at `index`. The whole instruction where it was not given. */
export function placeOfFlag(raw: RawInstruction, name: string, index = 0): SourceSpan {
  const flag = raw.flags.filter(({ text }) => text === `--${name}` || text.startsWith(`--${name}=`))[index];
  return flag === undefined ? raw.span : raw.place(flag.start, flag.end);
}

interface OpenFlag {
  readonly name: string;
  /** What follows `=`; undefined without one. */
  readonly text: string | undefined;
  readonly wrong: (message: string, hint?: string) => Error;
  readonly unsupported: (feature: string) => Error;
}

function openFlag({ text, start, end }: SplitFlag, raw: RawInstruction): OpenFlag {
  const equals = text.indexOf('=');
  return {
    name: equals === -1 ? text.slice(2) : text.slice(2, equals),
    text: equals === -1 ? undefined : text.slice(equals + 1),
    wrong: (message, hint) => syntaxError(message, raw.place(start, end), hint),
    unsupported: (feature) => unsupported(feature, raw.place(start, end)),
  };
}

const takesCommand: ReadonlySet<string> = new Set(['cmd', 'entrypoint', 'run']);

function kindOf(
  flag: OpenFlag,
  kinds: Readonly<Record<string, FlagKind>>,
  raw: RawInstruction,
): Exclude<FlagKind, 'unsupported'> {
  const { name } = flag;
  const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
  if (kind === 'unsupported') throw flag.unsupported(`${raw.name.toUpperCase()} --${name}`);
  if (kind !== undefined) return kind;
  const near = suggest(name, Object.keys(kinds));
  const hint = takesCommand.has(raw.name) ? 'Where it belongs to the command, put -- in front of that.' : undefined;
  throw flag.wrong(
    `unknown flag: --${name}${near === undefined ? '' : ` (did you mean ${near}?)`}`,
    near === undefined ? hint : undefined,
  );
}

function readText({ name, text, wrong }: OpenFlag): string {
  if (text === undefined) throw wrong(`missing a value on flag: --${name}`);
  return text;
}

function readBoolean({ name, text, wrong }: OpenFlag): boolean {
  if (text === undefined) return true;
  if (text === '') throw wrong(`missing a value on flag: --${name}`);
  const value = text.toLowerCase();
  if (value === 'true' || value === 'false') return value === 'true';
  throw wrong(`expecting boolean value for flag --${name}, not: ${text}`);
}
