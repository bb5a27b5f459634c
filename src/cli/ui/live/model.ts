import { describeCause } from '../../../index.ts';
import type { BuildEvent, PlannedOutput, PlannedStep } from '../../../index.ts';
import { isFetch } from '../byte-tally.ts';
import { createKeptOutput } from './kept-output.ts';
import type { KeptOutput } from './kept-output.ts';
import { createTransfer, noteTransfer } from './transfer.ts';
import type { Transfer } from './transfer.ts';

/** A step or an output under way. */
export interface Activity {
  readonly subject: PlannedStep | PlannedOutput;
  /** Milliseconds, as all times here; undefined while it waits for the result of other steps. */
  began: number | undefined;
  /** Why it is not reused, when that is worth saying. */
  cause: string | undefined;
  output: KeptOutput | undefined;
  transfer: Transfer | undefined;
}

/** What is known of a build while it runs. */
export interface LiveModel {
  readonly started: number;
  /** Planned steps, and how many of them have their result. */
  readonly total: number;
  readonly ended: number;
  readonly cached: number;
  readonly executed: number;
  readonly savedMs: number;
  /** In the order in which they began. */
  readonly running: ReadonlyMap<string, Activity>;
  apply(event: BuildEvent, now: number): void;
}

export function createLiveModel(started: number): LiveModel {
  const running = new Map<string, Activity>();
  const planned = new Set<string>();
  const ended = new Set<string>();
  const counts = { total: 0, ended: 0, cached: 0, executed: 0, savedMs: 0 };

  const begin = (subject: Activity['subject'], began: number | undefined): void => {
    running.set(keyOf(subject), { subject, began, cause: undefined, output: undefined, transfer: undefined });
  };
  /** The steps that waited for this one alone begin. */
  const end = (step: PlannedStep, now: number): void => {
    running.delete(keyOf(step));
    ended.add(step.id);
    // Triggers of a base image share the number of their FROM, and are not among the planned ones.
    if (planned.has(step.id)) counts.ended++;
    for (const activity of running.values()) {
      if (activity.began === undefined && !isWaiting(activity.subject)) activity.began = now;
    }
  };
  const isWaiting = (subject: Activity['subject']): boolean =>
    'inputs' in subject && subject.inputs.some((id) => !ended.has(id));

  return {
    started,
    running,
    get total() {
      return counts.total;
    },
    get ended() {
      return counts.ended;
    },
    get cached() {
      return counts.cached;
    },
    get executed() {
      return counts.executed;
    },
    get savedMs() {
      return counts.savedMs;
    },
    apply(event, now) {
      switch (event.type) {
        case 'graph':
          counts.total = event.steps.length;
          for (const { id } of event.steps) planned.add(id);
          break;
        case 'step:start':
          begin(event.step, isWaiting(event.step) ? undefined : now);
          break;
        case 'step:cause':
          update(running, event.step, (activity) => (activity.cause = causeWorthSaying(event.cause)));
          break;
        case 'step:log':
          update(running, event.step, (activity) => {
            activity.output ??= createKeptOutput();
            activity.output.add(event.stream, event.chunk);
          });
          break;
        case 'step:progress':
          update(running, event.step, (activity) => noteProgress(activity, event, now));
          break;
        case 'step:done':
          counts.savedMs += event.savedMs;
          if (event.outcome !== 'base') counts[event.outcome]++;
          end(event.step, now);
          break;
        case 'step:error':
          running.delete(keyOf(event.step));
          break;
        case 'output:start':
          begin(event.output, now);
          break;
        case 'output:progress':
          update(running, event.output, (activity) => noteProgress(activity, event, now));
          break;
        case 'output:done':
          running.delete(keyOf(event.output));
          break;
        case 'context:fetch':
        case 'warning':
        case 'image':
          break;
      }
    },
  };
}

export function keyOf(subject: Activity['subject']): string {
  return 'id' in subject ? subject.id : `output ${subject.number}`;
}

function update(
  running: ReadonlyMap<string, Activity>,
  subject: Activity['subject'],
  change: (activity: Activity) => void,
): void {
  const activity = running.get(keyOf(subject));
  if (activity !== undefined) change(activity);
}

/** As in plain progress. */
function causeWorthSaying(cause: Extract<BuildEvent, { type: 'step:cause' }>['cause']): string | undefined {
  return cause.kind === 'first' || cause.kind === 'no-cache' ? undefined : describeCause(cause);
}

type ProgressEvent = Extract<BuildEvent, { type: 'step:progress' | 'output:progress' }>;

/** What is transferred may change: first an image, then files of it. */
function noteProgress(activity: Activity, event: ProgressEvent, now: number): void {
  const verb = verbOf(event);
  if (activity.transfer?.verb !== verb) activity.transfer = createTransfer(verb);
  noteTransfer(activity.transfer, event, now);
}

function verbOf({ type, label }: ProgressEvent): string {
  if (isFetch(label)) return type === 'step:progress' ? 'pulling' : 'compressing';
  if (type === 'output:progress') return 'writing';
  return label === 'layer' ? 'storing' : 'copying';
}
