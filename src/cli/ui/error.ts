import { TbuildError } from '../../index.ts';
import { excerpt } from './excerpt.ts';

/** An error for people: what failed, where, why, what to do next. */
export function formatError(error: unknown): string {
  if (!(error instanceof TbuildError)) {
    return `tbuild: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\nThis is a fault in tbuild; please report it.\n`;
  }
  const parts = [`ERROR: ${error.message}\n`];
  if (error.span !== undefined) parts.push(excerpt(error.span, error.details['dockerfile']));
  const output = error.details['output'];
  if (typeof output === 'string' && output !== '') parts.push(`last output:\n${indent(output)}`);
  const cause = error.cause instanceof Error ? error.cause.message : undefined;
  // A mistake on the command line is said in our own words.
  if (cause !== undefined && error.code !== 'TBUILD_USAGE' && !error.message.includes(cause))
    parts.push(`cause: ${cause}\n`);
  const cleanup = error.details['cleanup'];
  if (Array.isArray(cleanup)) parts.push(...cleanup.map((sentence) => `and while cleaning up: ${String(sentence)}\n`));
  if (error.hint !== undefined) parts.push(`hint: ${error.hint}\n`);
  parts.push(`(${error.code})\n`);
  return parts.join('');
}

/** For a reader who has just seen what the command wrote. */
export function withoutOutput(error: unknown): unknown {
  if (!(error instanceof TbuildError)) return error;
  const { code, message, hint, span, cause } = error;
  const { output: _, ...details } = error.details;
  return new TbuildError(code, message, { hint, span, cause, details });
}

function indent(text: string): string {
  return text
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => `  ${line}\n`)
    .join('');
}
