import { findCopySource } from '../dockerfile/find-stage.ts';
import type { StageSource } from '../dockerfile/find-stage.ts';
import type { Dockerfile } from '../dockerfile/instruction.ts';
import { resolveStages } from '../dockerfile/stages.ts';
import type { PlannedStep } from '../graph/plan.ts';
import { planGraph } from '../graph/plan.ts';
import { parsePlatform } from '../oci/platform.ts';
import type { ResolvedOptions } from './options.ts';
import type { StagePlan } from './plan.ts';

/** The whole build, decided as far as it can be without files and images. */
export interface BuildPlan {
  readonly steps: readonly PlannedStep[];
  /** Index of the stage to build. */
  readonly target: number;
  /** Indexes of the stages that it needs, itself included. */
  readonly needed: readonly number[];
  stage(index: number): StagePlan;
}

/** Throws TBUILD_STAGE_NOT_FOUND, TBUILD_STAGE_CYCLE, TBUILD_EXPANSION and TBUILD_DOCKERFILE_SYNTAX. */
export function planBuild(dockerfile: Dockerfile, options: ResolvedOptions): BuildPlan {
  const buildArgs = new Map(Object.entries(options.buildArgs));
  const resolved = resolveStages(dockerfile, { buildArgs, platform: options.platform, target: options.target });
  const isReplaced = (name: string): boolean => Object.hasOwn(options.buildContexts, name);
  const bases = resolved.stages.map(({ stage, base }) => withoutReplaced(base, stage.image, isReplaced));
  const reached = resolved.reachable.map((index) => resolved.stages[index]).filter((stage) => stage !== undefined);
  const steps = planGraph(
    reached.map(({ stage }) => ({
      stage,
      base: bases[stage.index]?.kind === 'stage' ? bases[stage.index] : undefined,
    })),
    (name, span) => (isReplaced(name) ? undefined : findCopySource(resolved.names, name, span)),
  );
  return {
    steps,
    target: resolved.target,
    needed: resolved.reachable,
    stage(index) {
      const found = resolved.stages[index];
      const base = bases[index];
      if (found === undefined || base === undefined) throw new TypeError(`there is no stage ${index}`);
      return {
        stage: found.stage,
        steps: steps.filter((step) => step.stage === index),
        base,
        platform: found.platform === undefined ? options.platform : parsePlatform(found.platform),
        escape: dockerfile.escape,
        buildArgs,
        globalArgs: resolved.globalArgs,
        findSource: (name, span) =>
          isReplaced(name) ? { kind: 'image', name } : findCopySource(resolved.names, name, span),
      };
    },
  };
}

/** A named context wins over a stage of its name (docker buildx build, `--build-context`). */
function withoutReplaced(base: StageSource, image: string, isReplaced: (name: string) => boolean): StageSource {
  return base.kind === 'stage' && isReplaced(image) ? { kind: 'image', name: image } : base;
}
