import { addReruns } from '../cache/reruns.ts';
import type { Rerun } from '../cache/reruns.ts';
import type { ReportedStep } from '../cache/report.ts';
import type { Store } from '../store/types.ts';
import type { BuildPlan } from './plan-build.ts';

/** Counts each RUN that ran again in a build where files of a COPY or ADD below it had changed: `--check` says what that costs. */
export async function noteReruns(
  store: Store,
  report: string,
  { plan, steps }: { readonly plan: BuildPlan; readonly steps: readonly ReportedStep[] },
): Promise<void> {
  const changed = steps.filter(({ outcome, cause }) => outcome === 'executed' && cause?.kind === 'files');
  const reruns = steps.flatMap((step): Rerun[] => {
    const isRerun = step.outcome === 'executed' && step.cause?.kind === 'earlier-step' && /^run\s/i.test(step.text);
    if (!isRerun) return [];
    const below = stagesBelow(plan, stageOf(step));
    const copies = changed.filter((copy) => below.has(stageOf(copy)) && copy.number < step.number);
    return copies.length === 0 ? [] : [{ step: step.text, copies: copies.map(({ text }) => text) }];
  });
  if (reruns.length > 0) await addReruns(store, report, { reruns, texts: plan.steps.map(({ text }) => text) });
}

/** The stage, and those that it stands on. */
function stagesBelow(plan: BuildPlan, stage: number): ReadonlySet<number> {
  const below = new Set<number>();
  for (let index: number | undefined = stage; index !== undefined;) {
    below.add(index);
    const { base } = plan.stage(index);
    index = base.kind === 'stage' ? base.index : undefined;
  }
  return below;
}

function stageOf({ id }: ReportedStep): number {
  return Number.parseInt(id, 10);
}
