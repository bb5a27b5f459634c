import { findCopySource } from '../dockerfile/find-stage.ts';
import type { StageSource } from '../dockerfile/find-stage.ts';
import type { Dockerfile } from '../dockerfile/instruction.ts';
import { definedLater } from '../dockerfile/stage-dependencies.ts';
import { resolveStages } from '../dockerfile/stages.ts';
import type { ResolvedStages } from '../dockerfile/stages.ts';
import type { SourceSpan } from '../errors.ts';
import type { PlannedStep } from '../graph/plan.ts';
import { planGraph } from '../graph/plan.ts';
import { checkEntitlements } from './entitlements.ts';
import type { ResolvedOptions } from './options.ts';
import type { StagePlan } from './plan.ts';
import { stagePlatform } from './stage-platform.ts';

/** The whole build, decided as far as it can be without files and images. */
export interface BuildPlan {
  readonly resolved: ResolvedStages;
  readonly steps: readonly PlannedStep[];
  /** Index of the stage to build. */
  readonly target: number;
  /** Indexes of the stages that it needs, itself included. */
  readonly needed: readonly number[];
  stage(index: number): StagePlan;
}

/** Throws TBUILD_STAGE_NOT_FOUND, TBUILD_STAGE_CYCLE, TBUILD_EXPANSION, TBUILD_DOCKERFILE_SYNTAX and TBUILD_NOT_ALLOWED. */
export function planBuild(dockerfile: Dockerfile, options: ResolvedOptions): BuildPlan {
  const { platform } = options;
  const buildArgs = new Map(Object.entries(options.buildArgs));
  const resolved = resolveBuild(dockerfile, options);
  const findSource = (name: string, span: SourceSpan): StageSource => findCopySource(resolved.names, name, span);
  const stageNames = dockerfile.stages.flatMap(({ name }) => name ?? []);
  const stepsOf = planSteps(resolved, findSource);
  for (const index of resolved.reachable) {
    for (const instruction of resolved.stages[index]?.stage.instructions ?? [])
      if (instruction.kind === 'run') checkEntitlements(instruction, options);
  }
  return {
    resolved,
    steps: stepsOf.planned,
    target: resolved.target,
    needed: resolved.reachable,
    stage(index) {
      const found = resolved.stages[index];
      if (found === undefined) throw new TypeError(`there is no stage ${index}`);
      return {
        stage: found.stage,
        steps: stepsOf.stage(index),
        base: found.base,
        platform: found.platform === undefined ? platform : stagePlatform(found.platform, found.stage.span),
        escape: dockerfile.escape,
        stageNames,
        buildArgs,
        globalArgs: resolved.globalArgs,
        findSource(name, span) {
          const source = findSource(name, span);
          // What the instructions of the file name has been looked at; a trigger of a base image comes as a surprise.
          const isLater = source.kind === 'stage' && source.index >= index;
          if (isLater) throw definedLater(dockerfile.stages, index, source.index, span);
          return source;
        },
      };
    },
  };
}

/** Which stage is built on what, in this build. Throws TBUILD_STAGE_NOT_FOUND, TBUILD_STAGE_CYCLE, TBUILD_EXPANSION and TBUILD_DOCKERFILE_SYNTAX. */
export function resolveBuild(dockerfile: Dockerfile, options: ResolvedOptions): ResolvedStages {
  const { platform, target } = options;
  const buildArgs = new Map(Object.entries(options.buildArgs));
  // A named context wins over a stage of its name (docker buildx build, `--build-context`).
  const isReplaced = (name: string): boolean => options.buildContexts.find(name) !== undefined;
  return resolveStages(dockerfile, { buildArgs, platform, target, isReplaced });
}

interface StageSteps {
  readonly planned: readonly PlannedStep[];
  stage(index: number): readonly PlannedStep[];
}

/** The steps of the stages that the target is known to need. Those of another stage are planned when it is asked for: a trigger of a base image may copy from one. */
function planSteps(
  { stages, reachable }: ResolvedStages,
  findSource: (name: string, span: SourceSpan) => StageSource,
): StageSteps {
  const plan = (indexes: ReadonlySet<number>): readonly PlannedStep[] =>
    planGraph(
      stages.filter(({ stage }) => indexes.has(stage.index)),
      findSource,
    );
  const planned = plan(new Set(reachable));
  const byStage = new Map(reachable.map((index): [number, PlannedStep[]] => [index, []]));
  for (const step of planned) byStage.get(step.stage)?.push(step);
  let count = planned.length;
  return {
    planned,
    stage(index) {
      const known = byStage.get(index);
      if (known !== undefined) return known;
      const steps = plan(new Set([index])).map((step) => ({
        ...step,
        number: count + step.number,
        total: count + step.total,
      }));
      count += steps.length;
      byStage.set(index, steps);
      return steps;
    },
  };
}
