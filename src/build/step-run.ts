import { TbuildError } from '../errors.ts';
import { changedFiles, findCause } from '../cache/cause.ts';
import type { Cause, EarlierStep } from '../cache/cause.ts';
import type { StepInputs } from '../cache/inputs.ts';
import type { Miss } from '../cache/lookup.ts';
import type { ReportedStep } from '../cache/report.ts';
import type { PlannedStep } from '../graph/plan.ts';
import { monotonicMs } from '../util/clock.ts';
import { firstFailure } from '../util/first-failure.ts';
import { paced } from './paced.ts';
import type { Tell } from './paced.ts';
import type { Session, StartedStep } from './session.ts';

/** One step under way: what is said of it while it runs, and what the report keeps. */
export interface StepRun extends StartedStep {
  readonly kind: string;
  /** The static key under which the step's cache record is, or will be. */
  keyed(key: string): void;
  /** FROM: what the stage stands on. */
  base(inputs: StepInputs, image: string | undefined): void;
  /** Settled as reused: how long the step took when it ran is saved. */
  hit(inputs: StepInputs | undefined, layer: string | undefined, savedMs: number): void;
  /** Must run, for a known cause. */
  miss(inputs: StepInputs, cause: Cause): void;
  /** Must run: finds the cause by comparing with the last build. */
  explain(inputs: StepInputs, miss: Miss, describeFiles?: (index: number) => Promise<string>): Promise<void>;
  /** Has run. */
  executed(inputs: StepInputs | undefined, layer: string | undefined): void;
  /** Waits for the result of another step; the time does not count as this one's. */
  waitFor<T>(other: Promise<T>): Promise<T>;
  log(stream: 'stdout' | 'stderr', chunk: Uint8Array): void;
  /** Bytes of something that takes time; called as often as one likes. */
  readonly progress: Tell;
  finish(): void;
  fail(error: unknown): TbuildError;
}

export function startStep(session: Session, step: PlannedStep, kind: string): StepRun {
  const started = monotonicMs();
  let waitedMs = 0;
  let outcome: ReportedStep['outcome'] = 'not-reached';
  let cause: Cause | undefined;
  let inputs: StepInputs | undefined;
  let key: string | undefined;
  let layer: string | undefined;
  let durationMs = 0;
  let savedMs = 0;
  session.emit({ type: 'step:start', step });
  const settle = (
    result: 'base' | 'cached' | 'executed',
    given: StepInputs | undefined,
    made: string | undefined,
  ): void => {
    outcome = result;
    inputs = given ?? inputs;
    layer = made;
  };
  const run: StepRun = {
    step,
    kind,
    keyed: (given) => void (key = given),
    base: (given, image) => settle('base', given, image),
    hit(given, made, saved) {
      savedMs = saved;
      settle('cached', given, made);
    },
    executed: (given, made) => settle('executed', given, made),
    miss(given, found) {
      inputs = given;
      cause = found;
      session.emit({ type: 'step:cause', step, cause });
    },
    async explain(given, miss, describeFiles) {
      inputs = given;
      cause = await explainMiss(session, step, { inputs: given, miss, describeFiles });
      session.emit({ type: 'step:cause', step, cause });
    },
    async waitFor(other) {
      const began = monotonicMs();
      try {
        return await other;
      } finally {
        waitedMs += monotonicMs() - began;
      }
    },
    log: (stream, chunk) => session.emit({ type: 'step:log', step, stream, chunk }),
    progress: paced((label, current, total) => session.emit({ type: 'step:progress', step, label, current, total })),
    report() {
      const { id, number, text } = step;
      const hasResult = outcome !== 'failed' && outcome !== 'not-reached';
      return { id, number, text, outcome, cause, inputs, hasResult, key, layer, durationMs };
    },
    savedMs: () => savedMs,
    finish() {
      durationMs = monotonicMs() - started - waitedMs;
      if (outcome !== 'failed' && outcome !== 'not-reached') {
        session.emit({ type: 'step:done', step, outcome, layer, durationMs, savedMs });
      }
    },
    fail(error) {
      outcome = 'failed';
      durationMs = monotonicMs() - started - waitedMs;
      const located = locate(firstFailure(error), step);
      session.emit({ type: 'step:error', step, error: located });
      return located;
    },
  };
  session.runs.push(run);
  return run;
}

async function explainMiss(
  session: Session,
  step: PlannedStep,
  context: {
    readonly inputs: StepInputs;
    readonly miss: Miss;
    readonly describeFiles: ((index: number) => Promise<string>) | undefined;
  },
): Promise<Cause> {
  const earlierSteps = await session.earlierSteps();
  const earlier = earlierSteps(step);
  const known: EarlierStep | undefined =
    earlier?.inputs === undefined ? undefined : { inputs: earlier.inputs, hasResult: earlier.hasResult };
  const changedBelow = session.runs
    .filter((run) => run.step.stage === step.stage && run.step.number < step.number)
    .map((run) => run.report())
    .findLast((below) => earlierSteps(below)?.layer !== below.layer);
  const cause = findCause({ ...context, earlier: known, changedBelow: changedBelow?.text });
  if (cause.kind !== 'files' || known === undefined) return cause;
  const { describeFiles, inputs } = context;
  const changed = changedFiles(known.inputs, inputs);
  if (describeFiles === undefined || changed === undefined || changed.index >= inputs.files.length) return cause;
  const { changesSince } = await import('./kept-files.ts');
  const changes = await changesSince(session.store, changed.digestBefore, () => describeFiles(changed.index));
  return changes === undefined ? cause : { ...cause, changes };
}

/** An error without a place gets the step's. */
function locate(error: unknown, step: PlannedStep): TbuildError {
  if (error instanceof TbuildError) {
    if (error.span !== undefined) return error;
    const { hint, cause, details } = error;
    return new TbuildError(error.code, error.message, { hint, cause, details, span: step.span });
  }
  const message = error instanceof Error ? error.message : String(error);
  return new TbuildError('TBUILD_IO', message, { cause: error, span: step.span });
}
