import { TbuildError } from '../index.ts';

/** `NAME=VALUE` options as an object; a missing `=` is an error. */
export function keyValues(option: string, given: readonly string[]): Record<string, string> {
  const values: Record<string, string> = {};
  for (const text of given) {
    const equals = text.indexOf('=');
    if (equals < 1) throw new TbuildError('TBUILD_USAGE', `${option} must be NAME=VALUE, not ${JSON.stringify(text)}`);
    values[text.slice(0, equals)] = text.slice(equals + 1);
  }
  return values;
}
