import { readFileSync, statSync } from 'node:fs';
import { TbuildError } from '../../index.ts';
import type { SourceSpan } from '../../index.ts';

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

const around = 2;

/**
 * The lines of the Dockerfile around a place, with a caret under it; only the place when they cannot be read (again).
 * @param text the Dockerfile, where it is no file
 */
function excerpt(span: SourceSpan, text: unknown): string {
  const lines = typeof text === 'string' ? text.split('\n') : readLines(span.file);
  if (lines === undefined || span.line > lines.length) return `  at ${span.file}:${span.line}\n`;
  const first = Math.max(1, span.line - around);
  const last = Math.min(lines.length, span.endLine + around);
  const width = String(last).length;
  const rows: string[] = [`${span.file}:${span.line}\n`];
  for (let number = first; number <= last; number++) {
    const inside = number >= span.line && number <= span.endLine;
    const text = (lines[number - 1] ?? '').replace(/\r$/, '');
    if (number === lines.length && text === '' && !inside) continue;
    rows.push(`${inside ? '>' : ' '} ${String(number).padStart(width)} | ${text}\n`);
    if (number === span.line) rows.push(`  ${' '.repeat(width)} | ${caret(span, text)}\n`);
  }
  return rows.join('');
}

function readLines(file: string): readonly string[] | undefined {
  try {
    return statSync(file).isFile() ? readFileSync(file, 'utf8').split('\n') : undefined;
  } catch {
    return undefined;
  }
}

function caret(span: SourceSpan, text: string): string {
  const start = Math.max(0, span.column - 1);
  const end = span.endLine === span.line ? Math.max(start + 1, span.endColumn - 1) : text.length;
  const lead = text.slice(0, start).replace(/[^\t]/g, ' ');
  return `${lead}${'^'.repeat(Math.max(1, Math.min(end, text.length) - start))}`;
}

function indent(text: string): string {
  return text
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => `  ${line}\n`)
    .join('');
}
