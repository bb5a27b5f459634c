import { TbuildError } from '../index.ts';

/** `NAME=VALUE` options as an object. Without `=` the value comes from `missing`; undefined there leaves the name out. Throws TBUILD_USAGE. */
export function keyValues(
  option: string,
  given: readonly string[],
  missing: (name: string) => string | undefined,
): Readonly<Record<string, string>> {
  const pairs = new Map<string, string>();
  for (const text of given) {
    const equals = text.indexOf('=');
    const name = equals < 0 ? text : text.slice(0, equals);
    if (name === '') throw new TbuildError('TBUILD_USAGE', `${option} ${JSON.stringify(text)} has no name`);
    const value = equals < 0 ? missing(name) : text.slice(equals + 1);
    if (value !== undefined) pairs.set(name, value);
  }
  return Object.fromEntries(pairs);
}

/** For options whose value must be written out. */
export function required(option: string): (name: string) => never {
  return (name) => {
    throw new TbuildError('TBUILD_USAGE', `${option} must be NAME=VALUE, not ${JSON.stringify(name)}`);
  };
}

/** For options that pass a variable of this environment on (docker's `--env NAME`, `--build-arg NAME`). */
export function fromEnvironment(name: string): string | undefined {
  return process.env[name];
}
