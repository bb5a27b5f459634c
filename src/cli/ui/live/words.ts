import type { PlannedOutput, PlannedStep } from '../../../index.ts';
import { formatDuration } from '../format.ts';
import type { Screen } from './screen.ts';

/** Narrower screens leave out what can be guessed. */
const narrow = 60;

/** What stands in front of the text of a row. */
export function labelOf(subject: PlannedStep | PlannedOutput, { columns }: Pick<Screen, 'columns'>): string {
  if (!('text' in subject)) return '';
  const number = `${String(subject.number).padStart(String(subject.total).length)}/${subject.total}`;
  return columns < narrow ? `${number} ` : `Step ${number} : `;
}

/** What stands in front of lines that belong to the row above them. */
export function indentOf({ columns }: Pick<Screen, 'columns'>): string {
  return ' '.repeat(columns < narrow ? 2 : 4);
}

/** With a tenth of a second, below a minute. */
export function formatElapsed(milliseconds: number): string {
  return milliseconds < 60_000 ? `${(milliseconds / 1000).toFixed(1)}s` : formatDuration(milliseconds);
}
