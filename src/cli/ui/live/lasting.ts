import type { BuildEvent, PlannedStep } from '../../../index.ts';
import { familiarImage, formatFetch, formatOutput, formatSize, formatWarning, shortId } from '../format.ts';
import { printableLine } from '../terminal-text.ts';
import { wrap } from '../text-width.ts';
import type { KeptOutput, OutputExcerpt } from './kept-output.ts';
import { keyOf } from './model.ts';
import type { Activity, LiveModel } from './model.ts';
import { formatDetail, formatRow, usableColumns } from './row.ts';
import type { Row } from './row.ts';
import type { Screen } from './screen.ts';
import { formatElapsed, indentOf, labelOf } from './words.ts';

/** Lines of output that stay under a step that has ended. */
const keptOutput = 5;

/** What an event leaves behind in the terminal: lines that are not touched any more. To be asked before the model has it. */
export function formatLasting(event: BuildEvent, model: LiveModel, { screen, now }: View): readonly string[] {
  switch (event.type) {
    case 'step:done':
      return formatStep(event, model.running.get(keyOf(event.step)), screen);
    case 'step:error':
      return formatFailure(event.step, model.running.get(keyOf(event.step)), { screen, now });
    case 'output:done': {
      const counts = [formatElapsed(event.durationMs), formatSize(event.size)];
      const row = doneRow({ label: '', text: formatOutput(event.output, 'Exported'), counts }, screen);
      return [withColour(row, screen.theme.green)];
    }
    case 'context:fetch':
      return paragraph(formatFetch(event), screen).map(screen.theme.dim);
    case 'warning':
      return paragraph(formatWarning(event), screen).map(screen.theme.yellow);
    case 'image':
      return formatSummary(event, model, { screen, now });
    case 'graph':
    case 'step:start':
    case 'step:cause':
    case 'step:log':
    case 'step:progress':
    case 'output:start':
    case 'output:progress':
      return [];
  }
}

/** What stays of an activity that had to end before its time. */
export function formatStopped(activity: Activity, { screen, now }: View): readonly string[] {
  const { subject, began, output } = activity;
  if (began === undefined) return [];
  const text = 'text' in subject ? subject.text : formatOutput(subject, 'Exporting');
  const counts = [formatElapsed(now - began), 'stopped'];
  const { symbols, yellow } = screen.theme;
  const row = formatRow({ symbol: symbols.stopped, label: labelOf(subject, screen), text, counts }, screen);
  return [yellow(row), ...formatTail(output, screen)];
}

export interface View {
  readonly screen: Screen;
  /** Milliseconds, as the model's times. */
  readonly now: number;
}

type Done = Extract<BuildEvent, { type: 'step:done' }>;

function formatStep({ step, outcome, durationMs }: Done, activity: Activity | undefined, screen: Screen): string[] {
  const row = { label: labelOf(step, screen), text: step.text };
  if (outcome === 'cached') return [screen.theme.dim(doneRow({ ...row, counts: ['cached'] }, screen))];
  const pulled = pulledBytes(activity);
  if (outcome === 'base' && pulled === undefined) return [screen.theme.dim(doneRow({ ...row, counts: [] }, screen))];
  const counts = [formatElapsed(durationMs), ...(pulled === undefined ? [] : [`pulled ${formatSize(pulled)}`])];
  const cause = activity?.cause;
  return [
    withColour(doneRow({ ...row, counts }, screen), screen.theme.green),
    ...(cause === undefined ? [] : paragraph(`not cached: ${cause}`, screen, indentOf(screen)).map(screen.theme.dim)),
    ...formatTail(activity?.output, screen),
  ];
}

function pulledBytes(activity: Activity | undefined): number | undefined {
  return activity?.transfer?.verb === 'pulling' ? activity.transfer.tally.current : undefined;
}

function doneRow(row: Omit<Row, 'symbol'>, screen: Screen): string {
  return formatRow({ ...row, symbol: screen.theme.symbols.done }, screen);
}

/** Only the symbol in front. */
function withColour(row: string, colour: (text: string) => string): string {
  return colour(row.slice(0, 1)) + row.slice(1);
}

/** The end of what a command wrote, and how much came before it. */
function formatTail(output: KeptOutput | undefined, screen: Screen): readonly string[] {
  if (output === undefined) return [];
  const { lines, before, size } = output.tail(keptOutput);
  const mark = screen.theme.symbols.omission;
  const earlier = before === 0 ? [] : [`${mark} ${before} lines before, ${formatSize(size)} in all`];
  return [...earlier, ...lines].map((line) => formatDetail(line, screen));
}

/** The step and all of its output that is kept. Lines are not cut: the terminal breaks them. */
function formatFailure(step: PlannedStep, activity: Activity | undefined, { screen, now }: View): string[] {
  const { theme } = screen;
  const counts = activity?.began === undefined ? [] : [formatElapsed(now - activity.began)];
  const symbol = theme.symbols.failed;
  const row = formatRow({ symbol, label: labelOf(step, screen), text: step.text, counts }, screen);
  const { head, omitted, tail } = activity?.output?.excerpt() ?? noOutput;
  const format = (line: string): string => indentOf(screen) + theme.encode(printableLine(line));
  const omission = `${theme.symbols.omission} ${omitted.lines} lines (${formatSize(omitted.bytes)}) left out here; --progress=plain prints all ${theme.symbols.omission}`;
  return [
    theme.red(row),
    ...head.map(format),
    ...(omitted.bytes === 0 ? [] : paragraph(omission, screen, indentOf(screen)).map(theme.yellow)),
    ...tail.map(format),
  ];
}

const noOutput: OutputExcerpt = { head: [], omitted: { lines: 0, bytes: 0 }, tail: [] };

type Built = Extract<BuildEvent, { type: 'image' }>;

function formatSummary({ image, names }: Built, model: LiveModel, { screen, now }: View): readonly string[] {
  const { cached, executed, savedMs, started } = model;
  const { theme } = screen;
  const saved = savedMs < leastSaved ? '' : `, ${formatElapsed(savedMs)} saved`;
  const run = `${executed} ${executed === 1 ? 'step' : 'steps'} run`;
  const text = `${theme.symbols.done} Built ${shortId(image.id)} (${formatSize(image.size)}) in ${formatElapsed(now - started)}: ${run}, ${cached} cached${saved}`;
  const [first = '', ...others] = wrap(text, usableColumns(screen), '  ');
  return [withColour(first, theme.green), ...others, ...names.map((name) => `  ${familiarImage(name)}`)];
}

/** Less is not worth a word. */
const leastSaved = 100;

/** Text of any length, broken between words. */
function paragraph(text: string, screen: Screen, indent = ''): readonly string[] {
  const shown = screen.theme.encode(text.split('\n').map(printableLine).join(' '));
  return wrap(shown, usableColumns(screen) - indent.length, '').map((line) => indent + line);
}
