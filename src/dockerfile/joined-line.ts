import type { SourceSpan } from '../errors.ts';
import { trimGoSpaceStart } from './go-space.ts';
import { lineSpan } from './physical-lines.ts';
import type { PhysicalLine } from './physical-lines.ts';

/** The lines of one instruction as one, and where each character of it stands in the file. */
export interface JoinedLine {
  readonly text: string;
  readonly span: SourceSpan;
  /** The place of a part of `text`, the end not included. */
  readonly place: (start: number, end: number) => SourceSpan;
}

/** @param lines the text among the lines of an instruction, at least one */
export function joinLines(lines: readonly PhysicalLine[], file: string): JoinedLine {
  const [first, last] = [lines[0], lines.at(-1)];
  if (first === undefined || last === undefined) throw new TypeError('an instruction has at least one line');
  const { line, column } = lineSpan(first, file);
  const parts = [trimGoSpaceStart(first.body), ...lines.slice(1).map(({ body }) => body)];
  return {
    text: parts.join(''),
    span: { file, line, column, endLine: last.number, endColumn: last.content.length + 1 },
    place(start, end) {
      const from = locate(lines, parts, start);
      const to = locate(lines, parts, Math.max(start, end - 1));
      return { file, line: from.line, column: from.column, endLine: to.line, endColumn: to.column + 1 };
    },
  };
}

/** Text that stands in no file of its own: an ONBUILD trigger has the place of the FROM that it comes with. */
export function placedLine(text: string, span: SourceSpan): JoinedLine {
  return { text, span, place: () => span };
}

function locate(
  lines: readonly PhysicalLine[],
  parts: readonly string[],
  offset: number,
): { readonly line: number; readonly column: number } {
  let index = 0;
  let before = 0;
  while (index < parts.length - 1 && offset >= before + (parts[index]?.length ?? 0))
    before += parts[index++]?.length ?? 0;
  const { number, body } = lines[index] ?? { number: 1, body: '' };
  const skipped = body.length - (parts[index]?.length ?? 0);
  return { line: number, column: offset - before + skipped + 1 };
}
