import type { ReportedStep } from '../cache/report.ts';
import type { PlannedStep } from '../graph/plan.ts';
import type { Helper } from '../native/helper-types.ts';
import type { Store } from '../store/types.ts';
import type { OpenedContext } from './context.ts';
import type { Emit } from './events.ts';
import type { ResolvedOptions } from './options.ts';
import type { Secrets } from './secrets.ts';
import type { StageResult } from './stage-state.ts';

/** What the build asks of a step that was started. */
export interface StartedStep {
  readonly step: PlannedStep;
  report(): ReportedStep;
  /** 0 for a step that was not reused. */
  savedMs(): number;
}

export type EarlierSteps = (step: Pick<PlannedStep, 'id'>) => ReportedStep | undefined;

/** What the steps of one build share. */
export interface Session {
  readonly options: ResolvedOptions;
  readonly store: Store;
  readonly helper: Helper;
  /** Aborted by the caller, or when another step has failed. */
  readonly signal: AbortSignal;
  readonly emit: Emit;
  /** Undefined when the reader of the events keeps up; else what a command's output has to wait for. */
  readonly room: () => Promise<void> | undefined;
  readonly limit: <T>(body: () => Promise<T>) => Promise<T>;
  readonly secrets: Secrets;
  /** Every step started so far, in order. */
  readonly runs: StartedStep[];
  /** Opened (a directory is scanned) when a step first asks. */
  readonly context: () => Promise<OpenedContext>;
  /** What the last build of this Dockerfile learned of a step, which may have had another place in it; read when first asked. */
  readonly earlierSteps: () => Promise<EarlierSteps>;
  /** Solves a stage, or waits for whoever does. */
  readonly stage: (index: number) => Promise<StageResult>;
}
