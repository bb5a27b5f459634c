import type { ReportedStep } from './report.ts';

/** What is compared of a step: its place, `<stage index>.<index in stage>`, and the instruction as it is written. */
interface Placed {
  readonly id: string;
  readonly text: string;
}

/**
 * Which step of the last build each step is: one that was put in, taken out or moved must not make the others look changed. First what has place and text in common, then the text, in the same
 * stage before others, and of what is left the place: there the text was edited. Pure.
 */
export function matchSteps(
  steps: readonly Placed[],
  earlier: readonly ReportedStep[],
): ReadonlyMap<string, ReportedStep> {
  const matched = new Map<string, ReportedStep>();
  const claimed = new Set<ReportedStep>();
  const rules: readonly ((step: Placed, other: ReportedStep) => boolean)[] = [
    (step, other) => step.id === other.id && step.text === other.text,
    (step, other) => step.text === other.text && stageOf(step) === stageOf(other),
    (step, other) => step.text === other.text,
    (step, other) => step.id === other.id,
  ];
  for (const fits of rules) {
    for (const step of steps.filter(({ id }) => !matched.has(id))) {
      const other = earlier.find((each) => !claimed.has(each) && fits(step, each));
      if (other === undefined) continue;
      matched.set(step.id, other);
      claimed.add(other);
    }
  }
  return matched;
}

function stageOf({ id }: Placed): string {
  return id.split('.')[0] ?? '';
}
