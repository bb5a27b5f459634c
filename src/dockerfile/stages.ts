import { TbuildError } from '../errors.ts';
import { hostPlatform } from '../oci/platform.ts';
import type { Platform } from '../oci/platform.ts';
import { expandWord } from './expand.ts';
import { findBase, findTarget, indexStages } from './find-stage.ts';
import type { StageNames, StageSource } from './find-stage.ts';
import type { Dockerfile, Stage } from './instruction.ts';
import { platformArgs } from './predefined-args.ts';
import { resolveArgs } from './resolve-args.ts';
import { findDependencies, findReachable } from './stage-dependencies.ts';
import { syntaxError } from './syntax-error.ts';

export interface ResolveStagesOptions {
  /** `--build-arg` */
  readonly buildArgs: ReadonlyMap<string, string>;
  readonly platform: Platform;
  /** What the build runs on. @default the host */
  readonly buildPlatform?: Platform;
  /** `--target`. @default the last stage */
  readonly target?: string | undefined;
  /** Whether a named context stands for the stage of a name. @default none */
  readonly isReplaced?: (name: string) => boolean;
}

export interface ResolvedStages {
  /** Variables of before the first FROM with their values, the platform's among them: what an ARG without a value takes inside a stage. */
  readonly globalArgs: ReadonlyMap<string, string>;
  /** For {@link findCopySource}. */
  readonly names: StageNames;
  /** All stages of the file, in its order. */
  readonly stages: readonly ResolvedStage[];
  /** Index of the stage to build. */
  readonly target: number;
  /** Indexes of the stages that the target needs, itself included, ascending. */
  readonly reachable: readonly number[];
}

export interface ResolvedStage {
  readonly stage: Stage;
  readonly base: StageSource;
  /** `FROM --platform`, expanded. */
  readonly platform: string | undefined;
  /** Indexes of the stages that it reads from: its base, its `COPY --from`, and those in the ONBUILD of a base in this file. Ascending, each once. */
  readonly dependencies: readonly number[];
}

/**
 * Which stage is built on what. Pure.
 *
 * @throws TBUILD_STAGE_NOT_FOUND (target, number after --from, a copy from a later stage), TBUILD_STAGE_CYCLE, TBUILD_EXPANSION, TBUILD_DOCKERFILE_SYNTAX (blank image or platform)
 */
export function resolveStages(dockerfile: Dockerfile, options: ResolveStagesOptions): ResolvedStages {
  const target = findTarget(dockerfile.stages, options.target);
  const globalArgs = resolveGlobalArgs(dockerfile, options, dockerfile.stages[target]?.name);
  const { isReplaced = () => false } = options;
  const names = indexStages(dockerfile.stages, isReplaced);
  const earlier = new Map<string, number>();
  const bases = dockerfile.stages.map((stage) => {
    const image = resolveImage(stage, globalArgs, dockerfile.escape);
    const base = findBase(earlier, image);
    if (stage.name !== undefined) earlier.set(stage.name, stage.index);
    const platform = resolvePlatform(stage, globalArgs, dockerfile.escape);
    return stage.name !== undefined && isReplaced(stage.name)
      ? { stage: { ...stage, instructions: [] }, base: { kind: 'image', name: stage.name } as const, platform }
      : { stage, base, platform };
  });
  const dependencies = findDependencies(bases, names);
  return {
    globalArgs,
    names,
    stages: bases.map((stage, index) => ({ ...stage, dependencies: dependencies[index] ?? [] })),
    target,
    reachable: findReachable(dockerfile.stages, dependencies, target),
  };
}

function resolveGlobalArgs(
  { globalArgs, escape }: Dockerfile,
  options: ResolveStagesOptions,
  targetStage: string | undefined,
): ReadonlyMap<string, string> {
  const { buildArgs } = options;
  const outer = predefinedValues(options, targetStage);
  const values = new Map(outer);
  for (const instruction of globalArgs) {
    for (const { name, value } of resolveArgs(instruction, { env: values, buildArgs, outer, escape }).args) {
      if (value !== undefined) values.set(name, value);
    }
  }
  return values;
}

/** What an ARG of before the first FROM finds there already. */
export function predefinedValues(
  { buildArgs, platform: target, buildPlatform: build = hostPlatform() }: ResolveStagesOptions,
  targetStage: string | undefined,
): ReadonlyMap<string, string> {
  const values = platformArgs({ target, build, targetStage });
  return new Map([...values].map(([name, value]) => [name, buildArgs.get(name) ?? value]));
}

function resolveImage(stage: Stage, globalArgs: ReadonlyMap<string, string>, escape: string): string {
  const image = expandWord(stage.image, globalArgs, escape, { span: stage.span });
  if (image !== '') return image;
  throw syntaxError(
    `base name (${stage.image}) should not be blank`,
    stage.span,
    'FROM sees only ARGs that stand before the first FROM; give them a default or a --build-arg.',
  );
}

function resolvePlatform(stage: Stage, globalArgs: ReadonlyMap<string, string>, escape: string): string | undefined {
  if (stage.platform === undefined) return undefined;
  const platform = expandWord(stage.platform, globalArgs, escape, { span: stage.span });
  if (platform !== '') return platform;
  throw new TbuildError('TBUILD_DOCKERFILE_SYNTAX', `empty platform value from expression ${stage.platform}`, {
    span: stage.span,
    hint: 'FROM sees only ARGs that stand before the first FROM, and BUILDPLATFORM, TARGETPLATFORM and their parts.',
  });
}
