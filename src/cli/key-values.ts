import { TbuildError } from '../index.ts';

type Missing = (name: string) => string | undefined;

/** `NAME=VALUE` options as an object. Without `=` the value comes from `missing`; undefined there leaves the option out. Throws TBUILD_USAGE. */
export function keyValues(
  option: string,
  given: readonly string[],
  missing: Missing,
): Readonly<Record<string, string>> {
  const all = pairs(option, given, missing);
  return Object.fromEntries(all.filter((pair): pair is [string, string] => pair[1] !== undefined));
}

/** The same, where undefined is what the name then stands for. */
export function settings(
  option: string,
  given: readonly string[],
  missing: Missing,
): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(pairs(option, given, missing));
}

function pairs(option: string, given: readonly string[], missing: Missing): readonly [string, string | undefined][] {
  return given.map((text) => {
    const equals = text.indexOf('=');
    const name = equals < 0 ? text : text.slice(0, equals);
    if (name === '') throw new TbuildError('TBUILD_USAGE', `${option} ${JSON.stringify(text)} has no name`);
    return [name, equals < 0 ? missing(name) : text.slice(equals + 1)];
  });
}

/** For options whose value must be written out. */
export function required(option: string): (name: string) => never {
  return (name) => {
    // What has an @ may be a URL with a password.
    const given = name.includes('@') ? '' : `, not ${JSON.stringify(name)}`;
    throw new TbuildError('TBUILD_USAGE', `${option} must be NAME=VALUE${given}`);
  };
}

/** For options that pass a variable of this environment on (docker's `--env NAME`, `--build-arg NAME`). */
export function fromEnvironment(name: string): string | undefined {
  return process.env[name];
}
