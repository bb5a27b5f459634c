import type { SourceSpan } from '../errors.ts';
import { trimGoSpaceStart } from './go-space.ts';
import { syntaxError } from './syntax-error.ts';
import { toWellFormed } from './well-formed.ts';

/**
 * The strings of an argument in JSON form, or `undefined` where docker takes it for plain text: no bracket at the start, or not valid JSON.
 * A valid array with anything but strings is TBUILD_DOCKERFILE_SYNTAX.
 */
export function parseJsonForm(args: string, span: SourceSpan): readonly string[] | undefined {
  const text = trimGoSpaceStart(args);
  if (!text.startsWith('[')) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) {
    const hint = 'Put each element in double quotes.';
    throw syntaxError('when using JSON array syntax, arrays must be comprised of strings only', span, hint);
  }
  return value.map(toWellFormed);
}
