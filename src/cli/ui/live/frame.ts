import { formatOutput } from '../format.ts';
import { truncate } from '../text-width.ts';
import type { Activity, LiveModel } from './model.ts';
import { formatDetail, formatRow, usableColumns } from './row.ts';
import type { Screen } from './screen.ts';
import { transferCounts } from './transfer.ts';
import { formatElapsed, indentOf, labelOf } from './words.ts';

/** What is shown of a build at one moment, below what has ended. */
export interface Frame {
  /** Beside the spinner. */
  readonly head: string;
  /** Under it. Each fits into the columns, all of them with the head into the rows. */
  readonly lines: readonly string[];
}

export interface Moment {
  /** Milliseconds, as the model's times. */
  readonly now: number;
  /** The build has been told to end, and cleans up. */
  readonly isStopping: boolean;
}

/** Lines of the output of one step. */
const mostOutput = 6;

export function formatFrame(model: LiveModel, screen: Screen, moment: Moment): Frame {
  const activities = [...model.running.values()];
  const isWaiting = ({ began }: Activity): boolean => began === undefined;
  // Who only waits is left out first.
  const ordered = [...activities.filter((each) => !isWaiting(each)), ...activities.filter(isWaiting)];
  // The head, and a row for the cursor.
  const room = Math.max(1, screen.rows - 2);
  const shown = ordered.length <= room ? ordered : ordered.slice(0, room - 1);
  const more = ordered.length - shown.length;
  const details = shown.map((activity) => detailsOf(activity, screen));
  const shares = share(
    details.map(({ output, cause }) => output.length + cause.length),
    room - shown.length - (more > 0 ? 1 : 0),
  );
  const lines = shown.flatMap((activity, index) => {
    const { output, cause } = details[index] ?? { output: [], cause: [] };
    const rows = shares[index] ?? 0;
    const kept = [
      ...(rows > output.length ? cause : []),
      ...output.slice(output.length - Math.min(rows, output.length)),
    ];
    return [formatActivity(activity, screen, moment.now), ...kept];
  });
  const rest =
    more > 0 ? [screen.theme.dim(truncate(`${indentOf(screen)}and ${more} more`, usableColumns(screen), ''))] : [];
  return { head: formatHead(model, screen, moment), lines: [...lines, ...rest] };
}

function formatHead({ started, ended, total, cached }: LiveModel, screen: Screen, { now, isStopping }: Moment): string {
  const counts = [
    formatElapsed(now - started),
    ...(total > 0 ? [`${ended}/${total} steps`] : []),
    ...(cached > 0 ? [`${cached} cached`] : []),
  ];
  const text = isStopping ? 'Stopping' : 'Building';
  // The spinner stands where other rows have their symbol.
  return formatRow({ symbol: ' ', label: '', text, counts }, screen).slice(2);
}

function formatActivity({ subject, began, transfer }: Activity, screen: Screen, now: number): string {
  const { theme } = screen;
  const label = labelOf(subject, screen);
  const text = 'text' in subject ? subject.text : formatOutput(subject, 'Exporting');
  if (began === undefined) {
    return theme.dim(formatRow({ symbol: theme.symbols.waiting, label, text, counts: ['waiting'] }, screen));
  }
  const counts = [formatElapsed(now - began), ...(transfer === undefined ? [] : transferCounts(transfer, now))];
  return formatRow({ symbol: theme.symbols.running, label, text, counts }, screen);
}

/** Lines under the row of an activity: why it runs, and the end of its output. */
function detailsOf(
  { output, cause }: Activity,
  screen: Screen,
): { readonly cause: readonly string[]; readonly output: readonly string[] } {
  return {
    cause: cause === undefined ? [] : [formatDetail(`not cached: ${cause}`, screen)],
    output: (output?.tail(mostOutput).lines ?? []).map((line) => formatDetail(line, screen)),
  };
}

/** Rows for each, in turns, as many as it wants and as there are. */
function share(wanted: readonly number[], rows: number): readonly number[] {
  const given = wanted.map(() => 0);
  for (let left = rows; left > 0;) {
    const before = left;
    for (const [index, want] of wanted.entries()) {
      if (left === 0 || (given[index] ?? 0) >= want) continue;
      given[index] = (given[index] ?? 0) + 1;
      left--;
    }
    if (left === before) break;
  }
  return given;
}
