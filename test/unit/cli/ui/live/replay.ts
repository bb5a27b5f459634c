import { formatFrame } from '../../../../../src/cli/ui/live/frame.ts';
import { createLiveModel } from '../../../../../src/cli/ui/live/model.ts';
import { formatLasting, formatStopped } from '../../../../../src/cli/ui/live/lasting.ts';
import { themeOf } from '../../../../../src/cli/ui/live/screen.ts';
import type { Screen } from '../../../../../src/cli/ui/live/screen.ts';
import type { BuildEvent, PlannedStep } from '../../../../../src/index.ts';

/** An event, or how many milliseconds pass. */
export type Happening = BuildEvent | number;

export interface Shown {
  /** What stays. */
  readonly lasting: readonly string[];
  /** What is shown at the end, head first. */
  readonly frame: readonly string[];
  /** What would stay if the build ended now. */
  readonly stopped: readonly string[];
}

export interface ReplayOptions {
  readonly columns?: number;
  readonly rows?: number;
  readonly env?: NodeJS.ProcessEnv;
  readonly isStopping?: boolean;
}

/** A screen without colours that takes UTF-8, unless the environment says otherwise. */
export function screen({
  columns = 80,
  rows = 24,
  env = { LANG: 'C.UTF-8', NO_COLOR: '1' },
}: ReplayOptions = {}): Screen {
  return { columns, rows, theme: themeOf(env) };
}

/** What events and time make of a screen. */
export function replay(happenings: readonly Happening[], options: ReplayOptions = {}): Shown {
  const shown = screen(options);
  const model = createLiveModel(0);
  let now = 0;
  const lasting: string[] = [];
  for (const happening of happenings) {
    if (typeof happening === 'number') {
      now += happening;
      continue;
    }
    lasting.push(...formatLasting(happening, model, { screen: shown, now }));
    model.apply(happening, now);
  }
  const { head, lines } = formatFrame(model, shown, { now, isStopping: options.isStopping ?? false });
  const stopped = [...model.running.values()].flatMap((activity) => formatStopped(activity, { screen: shown, now }));
  return { lasting, frame: [head, ...lines], stopped };
}

/** Steps with these texts, each reading the one before; `reads` adds what a step reads besides (numbers). */
export function plan(texts: readonly string[], reads: Readonly<Record<number, readonly number[]>> = {}): PlannedStep[] {
  return texts.map((text, index) => ({
    id: `0.${index}`,
    number: index + 1,
    total: texts.length,
    stage: 0,
    stageName: undefined,
    text,
    span: { file: 'Dockerfile', line: index + 1, column: 1, endLine: index + 1, endColumn: 2 },
    inputs: (reads[index + 1] ?? (index === 0 ? [] : [index])).map((number) => `0.${number - 1}`),
  }));
}

export const start = (step: PlannedStep): BuildEvent => ({ type: 'step:start', step });

export const log = (step: PlannedStep, text: string, stream: 'stdout' | 'stderr' = 'stdout'): BuildEvent => ({
  type: 'step:log',
  step,
  stream,
  chunk: Buffer.from(text),
});

export const progress = (step: PlannedStep, label: string, current: number, total?: number): BuildEvent => ({
  type: 'step:progress',
  step,
  label,
  current,
  total,
});

export const done = (
  step: PlannedStep,
  outcome: 'base' | 'cached' | 'executed' = 'executed',
  durationMs = 100,
  savedMs = 0,
): BuildEvent => ({ type: 'step:done', step, outcome, layer: undefined, durationMs, savedMs });
