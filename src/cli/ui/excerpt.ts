import { readFileSync, statSync } from 'node:fs';
import type { SourceSpan } from '../../index.ts';

const linesAround = 2;
/** Of an instruction; it may have thousands. */
const mostLines = 20;
/** A line may have 65,535 characters. */
const widest = 200;
const leadWhenCut = 40;

/**
 * The lines of the Dockerfile around a place, with a caret under it; only the place when they cannot be read (again). Long lines and long instructions are cut.
 * @param text the Dockerfile, where it is no file
 */
export function excerpt(span: SourceSpan, text: unknown): string {
  const lines = typeof text === 'string' ? text.split('\n') : readLines(span.file);
  if (lines === undefined || span.line > lines.length) return `  at ${span.file}:${span.line}\n`;
  const first = Math.max(1, span.line - linesAround);
  const isLong = span.endLine - span.line >= mostLines;
  const last = Math.min(lines.length, isLong ? span.line + mostLines - 1 : span.endLine + linesAround);
  const width = String(last).length;
  const rows: string[] = [`${span.file}:${span.line}\n`];
  for (let number = first; number <= last; number++) {
    const inside = number >= span.line && number <= span.endLine;
    const text = (lines[number - 1] ?? '').replace(/\r$/, '');
    if (number === lines.length && text === '' && !inside) continue;
    const start = number === span.line && span.column > widest ? span.column - leadWhenCut : 0;
    rows.push(`${inside ? '>' : ' '} ${String(number).padStart(width)} | ${cut(text, start)}\n`);
    if (number === span.line) rows.push(`  ${' '.repeat(width)} | ${cut(caret(span, text), start, ' ', '')}\n`);
  }
  if (isLong) rows.push(`  ${' '.repeat(width)} | … (to line ${span.endLine})\n`);
  return rows.join('');
}

function cut(text: string, start: number, before = '…', behind = '…'): string {
  const end = start + widest;
  return `${start === 0 ? '' : before}${text.slice(start, end)}${end < text.length ? behind : ''}`;
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
