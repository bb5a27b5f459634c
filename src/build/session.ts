import type { ReportedStep } from '../cache/report.ts';
import type { PlannedStep } from '../graph/plan.ts';
import type { BuildAccess } from './access.ts';
import type { Seen } from './check/seen.ts';
import type { OpenedContexts } from './contexts/opened-contexts.ts';
import type { StageResult } from './stage-state.ts';

/** What the build asks of a step that was started. */
export interface StartedStep {
  readonly step: PlannedStep;
  report(): ReportedStep;
  /** 0 for a step that was not reused. */
  savedMs(): number;
}

export type EarlierSteps = (step: Pick<PlannedStep, 'id'>) => ReportedStep | undefined;

/** What the steps of one build share. Its signal is aborted by the caller, or when another step has failed. */
export interface Session extends BuildAccess {
  /** Undefined when the reader of the events keeps up; else what a command's output has to wait for. */
  readonly room: () => Promise<void> | undefined;
  readonly limit: <T>(body: () => Promise<T>) => Promise<T>;
  readonly seen: Seen;
  /** Every step started so far, in order. */
  readonly runs: StartedStep[];
  readonly contexts: OpenedContexts;
  /** What the last build of this Dockerfile learned of a step, which may have had another place in it; read when first asked. */
  readonly earlierSteps: () => Promise<EarlierSteps>;
  /** Solves a stage, or waits for whoever does. */
  readonly stage: (index: number) => Promise<StageResult>;
}
