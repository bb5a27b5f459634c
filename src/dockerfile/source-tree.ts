import { DockerfileParser } from 'dockerfile-ast';
import { trimGoSpace } from './go-space.ts';
import type { PhysicalLine } from './physical-lines.ts';

/** The lines of one instruction, comments and blank lines between them included. */
export type LineGroup = readonly PhysicalLine[];

/**
 * Which lines make up which instruction, from dockerfile-ast's tree.
 *
 * The tree is made of a likeness of the file, line for line, that keeps only what decides it: which lines have text, and which of them continue. What the two read differently is not in it
 * (docs/decisions/0009-dockerfile-ast.md), nor what takes dockerfile-ast long.
 */
export function groupLines(lines: readonly PhysicalLine[]): readonly LineGroup[] {
  const tree = DockerfileParser.parse(lines.map(likeness).join('\n'));
  return tree.getInstructions().map((instruction) => {
    const { start, end } = instruction.getRange();
    return lines.slice(start.line, end.line + 1);
  });
}

function likeness({ kind, body, continues }: PhysicalLine): string {
  // A line that is nothing but a continuation character adds nothing to the instruction around it, and starts none.
  if (kind !== 'text' || trimGoSpace(body) === '') return '';
  return continues ? 'x \\' : 'x';
}
