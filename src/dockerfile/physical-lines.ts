import type { SourceSpan } from '../errors.ts';
import { isGoSpace, trimGoSpaceStart } from './go-space.ts';
import { syntaxError } from './syntax-error.ts';
import { toWellFormed } from './well-formed.ts';

/** One line of the file, judged by itself; what it belongs to is decided elsewhere. */
export interface PhysicalLine {
  /** Counts from 1. */
  readonly number: number;
  /** Without the line end. */
  readonly content: string;
  /** `content` with the carriage returns at its end and the line feed, where there is one: what a heredoc holds. */
  readonly raw: string;
  readonly kind: 'text' | 'comment' | 'blank';
  /** What the line adds to its instruction: `content` without a final continuation character. */
  readonly body: string;
  /** The instruction goes on in the next line. */
  readonly continues: boolean;
}

/**
 * @param text bytes that are not UTF-8 may be lone surrogates (util/path-bytes.ts): only `raw` keeps them
 * @throws TBUILD_DOCKERFILE_SYNTAX for a line of more than 65,535 bytes, which docker refuses
 */
export function readPhysicalLines(text: string, file: string): readonly Omit<PhysicalLine, 'body' | 'continues'>[] {
  const lines = withoutByteOrderMark(text).split('\n');
  const hasLineEnd = lines.at(-1) === '';
  if (hasLineEnd) lines.pop();
  return lines.map((bare, index) => {
    const content = toWellFormed(trimCarriageReturns(bare));
    const raw = index < lines.length - 1 || hasLineEnd ? `${bare}\n` : bare;
    const line = { number: index + 1, content, raw, kind: kindOf(content) };
    if (bare.length * 3 > maxLineBytes && Buffer.byteLength(bare) > maxLineBytes) {
      throw syntaxError(
        `dockerfile line greater than max allowed size of ${maxLineBytes}`,
        lineSpan(line, file),
        'Break the line with continuations, or move the data into a file and COPY it.',
      );
    }
    return line;
  });
}

/**
 * The escape character continues a line where only blanks follow it and it is not itself preceded by one: `a\\` ends, and so does `a\\\`.
 */
export function withContinuation(line: Omit<PhysicalLine, 'body' | 'continues'>, escape: string): PhysicalLine {
  const { content } = line;
  let end = content.length;
  while (end > 0 && (content[end - 1] === ' ' || content[end - 1] === '\t')) end--;
  const continues = content[end - 1] === escape && content[end - 2] !== escape;
  return { ...line, continues, body: continues ? content.slice(0, end - 1) : content };
}

/** The line without its leading blanks. */
export function lineSpan(line: Pick<PhysicalLine, 'number' | 'content'>, file: string): SourceSpan {
  const start = line.content.length - trimGoSpaceStart(line.content).length;
  return { file, line: line.number, column: start + 1, endLine: line.number, endColumn: line.content.length + 1 };
}

const maxLineBytes = 65_535;

function withoutByteOrderMark(text: string): string {
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}

function trimCarriageReturns(line: string): string {
  let end = line.length;
  while (line[end - 1] === '\r') end--;
  return line.slice(0, end);
}

function kindOf(content: string): PhysicalLine['kind'] {
  for (const character of content) {
    if (character === '#') return 'comment';
    if (!isGoSpace(character)) return 'text';
  }
  return 'blank';
}
