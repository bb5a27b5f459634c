import type { SourceSpan } from '../../errors.ts';
import type { SourceLocation } from './answers.ts';

/** Docker names each line of an instruction by itself. */
export function locate({ line, endLine }: SourceSpan): SourceLocation {
  const lines = Array.from({ length: endLine - line + 1 }, (_, index) => ({ line: line + index }));
  return { ranges: lines.map((at) => ({ start: at, end: at })) };
}
