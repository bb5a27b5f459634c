import { printableLine } from '../terminal-text.ts';
import { truncate, widthOf } from '../text-width.ts';
import type { Screen } from './screen.ts';
import { indentOf } from './words.ts';

/** One line of the screen: what it is about, and at its right end what is counted. */
export interface Row {
  readonly symbol: string;
  readonly label: string;
  /** From outside; cut when it does not fit. */
  readonly text: string;
  /** The most important first: it stands at the end, and goes last where there is no room. */
  readonly counts: readonly string[];
}

/** As much is left of the text beside the first count, and beside all others. */
const leastText = { first: 6, others: 16 };

/** As many columns as a line may have: in the last one some terminals break it already. */
export function usableColumns({ columns }: Pick<Screen, 'columns'>): number {
  return Math.max(1, columns - 1);
}

/** Without colours, never wider than the screen. */
export function formatRow({ symbol, label, text, counts }: Row, screen: Screen): string {
  const { encode, symbols } = screen.theme;
  const room = usableColumns(screen);
  const left = `${symbol} ${label}`;
  const shown = encode(printableLine(text));
  for (let count = counts.length; count > 0; count--) {
    const right = counts.slice(0, count).toReversed().join('  ');
    const columns = room - widthOf(right) - 2;
    const least = Math.min(widthOf(shown), count === 1 ? leastText.first : leastText.others);
    if (columns < widthOf(left) + least) continue;
    const start = left + truncate(shown, columns - widthOf(left), symbols.omission);
    return `${start}${' '.repeat(columns - widthOf(start))}  ${right}`;
  }
  return truncate(left + shown, room, symbols.omission);
}

/** A line that belongs to the row above it, cut where it does not fit. */
export function formatDetail(line: string, screen: Screen): string {
  const { dim, encode, symbols } = screen.theme;
  return dim(truncate(indentOf(screen) + encode(printableLine(line)), usableColumns(screen), symbols.omission));
}
