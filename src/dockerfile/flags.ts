import type { RawInstruction } from './raw-instruction.ts';
import { suggest } from './suggest.ts';
import { syntaxError, unsupported } from './syntax-error.ts';

/** What a flag takes; `unsupported` ones are docker's and not yet ours. */
export type FlagKind = 'text' | 'boolean' | 'unsupported';

/** The flags of an instruction by name without `--`; booleans as `true` or `false`. Throws TBUILD_DOCKERFILE_SYNTAX with docker's wording, and TBUILD_UNSUPPORTED. */
export function readFlags<Name extends string>(
  raw: RawInstruction,
  known: Readonly<Record<Name, FlagKind>>,
): Partial<Readonly<Record<Name, string>>> {
  const values: Partial<Record<Name, string>> = {};
  for (const flag of raw.flags) {
    const equals = flag.indexOf('=');
    const name = equals === -1 ? flag.slice(2) : flag.slice(2, equals);
    if (!isKnown(name, known)) {
      const near = suggest(name, Object.keys(known));
      throw syntaxError(`unknown flag: --${name}${near === undefined ? '' : ` (did you mean ${near}?)`}`, raw.span);
    }
    if (known[name] === 'unsupported') throw unsupported(`${raw.name.toUpperCase()} --${name}`, raw.span);
    if (Object.hasOwn(values, name)) throw syntaxError(`duplicate flag specified: --${name}`, raw.span);
    const text = equals === -1 ? undefined : flag.slice(equals + 1);
    values[name] = known[name] === 'boolean' ? readBoolean(name, text, raw) : readText(name, text, raw);
  }
  return values;
}

/** For instructions that take none. */
export function refuseFlags(raw: RawInstruction): void {
  readFlags(raw, {});
}

function isKnown<Name extends string>(name: string, known: Readonly<Record<Name, FlagKind>>): name is Name {
  return Object.hasOwn(known, name);
}

function readText(name: string, text: string | undefined, raw: RawInstruction): string {
  if (text === undefined) throw syntaxError(`missing a value on flag: --${name}`, raw.span);
  return text;
}

function readBoolean(name: string, text: string | undefined, raw: RawInstruction): string {
  if (text === undefined) return 'true';
  if (text === '') throw syntaxError(`missing a value on flag: --${name}`, raw.span);
  const value = text.toLowerCase();
  if (value === 'true' || value === 'false') return value;
  throw syntaxError(`expecting boolean value for flag --${name}, not: ${text}`, raw.span);
}
