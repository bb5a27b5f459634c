import { DockerfileParser } from 'dockerfile-ast';
import { trimGoSpace } from './go-space.ts';
import type { PhysicalLine } from './physical-lines.ts';

/** The lines of one instruction, comments and blank lines between them included. */
export type LineGroup = readonly PhysicalLine[];

/**
 * Which lines make up which instruction, from dockerfile-ast's tree.
 *
 * The tree is made of a likeness of the file, line for line the same, in which what dockerfile-ast and docker read differently is replaced by what both read alike:
 * dockerfile-ast continues a line after `\\`, loses a continuation after `\ \`, sees heredocs in quotes, knows no Unicode blanks, and takes time quadratic in the number
 * of comments and flags.
 */
export function groupLines(lines: readonly PhysicalLine[]): readonly LineGroup[] {
  const tree = DockerfileParser.parse(lines.map(likeness).join('\n'));
  return tree.getInstructions().map((instruction) => {
    const { start, end } = instruction.getRange();
    return lines.slice(start.line, end.line + 1);
  });
}

function likeness(line: PhysicalLine): string {
  if (line.kind !== 'text') return '';
  // A line that is nothing but a continuation character adds nothing to the instruction around it, and starts none.
  const body = trimGoSpace(line.body)
    .replaceAll(/[\\`#<["-]/g, 'x')
    .replaceAll(/[\v\f\r]/g, ' ');
  return body === '' ? '' : `${body}${line.continues ? ' \\' : ''}`;
}
