import type { SourceSpan } from '../errors.ts';
import type { StageSource } from '../dockerfile/find-stage.ts';
import type { Stage } from '../dockerfile/instruction.ts';
import { sourceNames } from '../dockerfile/source-names.ts';

/** A node of the build graph. `number` is what people see: `Step 3/7`. */
export interface PlannedStep {
  /** `<stage index>.<index in stage>`; 0 is FROM. */
  readonly id: string;
  readonly number: number;
  readonly total: number;
  readonly stage: number;
  readonly stageName: string | undefined;
  readonly text: string;
  readonly span: SourceSpan;
  /** Ids of the steps whose result this one reads. */
  readonly inputs: readonly string[];
}

export interface PlannedStage {
  readonly stage: Stage;
  readonly base: StageSource;
}

/**
 * The steps of the stages that a build needs, in the order of the Dockerfile, with the edges between them. Pure.
 *
 * @param findSource what a name after `from=` means
 */
export function planGraph(
  stages: readonly PlannedStage[],
  findSource: (name: string, span: SourceSpan) => StageSource | undefined,
): readonly PlannedStep[] {
  const total = stages.reduce((sum, { stage }) => sum + 1 + stage.instructions.length, 0);
  const last = new Map(stages.map(({ stage }) => [stage.index, `${stage.index}.${stage.instructions.length}`]));
  const lastStepOf = (source: StageSource | undefined): string[] => {
    const step = source?.kind === 'stage' ? last.get(source.index) : undefined;
    return step === undefined ? [] : [step];
  };
  const steps: PlannedStep[] = [];
  for (const { stage, base } of stages) {
    const common = { total, stage: stage.index, stageName: stage.name };
    steps.push({
      ...common,
      id: `${stage.index}.0`,
      number: steps.length + 1,
      text: stage.text,
      span: stage.span,
      inputs: lastStepOf(base),
    });
    for (const [index, instruction] of stage.instructions.entries()) {
      const sources = sourceNames(instruction).map((name) => findSource(name, instruction.span));
      steps.push({
        ...common,
        id: `${stage.index}.${index + 1}`,
        number: steps.length + 1,
        text: instruction.text,
        span: instruction.span,
        inputs: [...new Set([`${stage.index}.${index}`, ...sources.flatMap(lastStepOf)])],
      });
    }
  }
  return steps;
}

/** The stable text form of a graph, one line a step: `3/7 1.2 <- 1.1 0.4 : COPY --from=build /a /b`. */
export function formatGraph(steps: readonly PlannedStep[]): string {
  return steps
    .map(
      ({ number, total, id, inputs, text }) =>
        `${number}/${total} ${id}${inputs.length > 0 ? ` <- ${inputs.join(' ')}` : ''} : ${text}\n`,
    )
    .join('');
}
