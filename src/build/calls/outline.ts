import type { Instruction } from '../../dockerfile/instruction.ts';
import { readMount } from '../../dockerfile/run-mount.ts';
import { sourceNames } from '../../dockerfile/source-names.ts';
import { applyInstruction } from '../../image/apply-instruction.ts';
import { draftFromImage, draftFromStage, onbuildTriggers, scratchDraft } from '../../image/draft.ts';
import type { ImageDraft } from '../../image/draft.ts';
import { entitlements } from '../entitlements.ts';
import type { BuildAccess } from '../access.ts';
import type { BuildInput } from '../input.ts';
import { planBuild } from '../plan-build.ts';
import type { BuildPlan } from '../plan-build.ts';
import type { StagePlan } from '../plan.ts';
import { expandInStage, triggerSteps } from '../stage.ts';
import type { Outline, OutlineArgument, OutlineSecret, SourceLocation } from './answers.ts';
import { toArgument } from './argument.ts';
import { readBaseConfig } from './base-config.ts';
import { readDescriptions } from './descriptions.ts';
import type { Describe } from './descriptions.ts';
import { resolveGlobals } from './globals.ts';
import type { Globals } from './globals.ts';
import { locate } from './locate.ts';

/** What a stage declares, and the stages that it reads from, its base first. */
interface StageOutline {
  readonly args: ReadonlyMap<string, OutlineArgument>;
  readonly secrets: ReadonlyMap<string, OutlineSecret>;
  readonly ssh: ReadonlyMap<string, OutlineSecret>;
  readonly sources: readonly number[];
  readonly draft: ImageDraft;
  readonly triggers: readonly string[];
}

interface Reading {
  readonly access: BuildAccess;
  readonly plan: BuildPlan;
  readonly describe: Describe;
  readonly globals: Globals;
  readonly stage: (index: number) => Promise<StageOutline>;
}

/** Follows the stages as a build would, without running anything; which of two things of one name is told is docker's choice. */
export async function outlineOf(input: BuildInput, access: BuildAccess): Promise<Outline> {
  const { dockerfile, bytes, path } = input;
  // Nothing runs, so that nothing has to be allowed.
  const plan = planBuild(dockerfile, { ...access.options, allow: entitlements });
  const describe = readDescriptions(dockerfile, bytes, path);
  const target = dockerfile.stages[plan.target];
  const known = new Map<number, Promise<StageOutline>>();
  const reading: Reading = {
    access,
    plan,
    describe,
    globals: resolveGlobals(dockerfile, { options: access.options, targetStage: target?.name }, describe),
    stage(index) {
      const found = known.get(index) ?? readStage(reading, plan.stage(index));
      known.set(index, found);
      return found;
    },
  };
  const stages = await gather(reading, plan.target, new Set());
  const inOrder = <T extends { readonly location: SourceLocation }>(
    pick: (stage: StageOutline) => ReadonlyMap<string, T>,
  ): readonly T[] | undefined => {
    // Of one name the first counts: the target's own, then that of its base.
    const merged = new Map(stages.toReversed().flatMap((stage) => [...pick(stage)]));
    const all = [...merged.values()].toSorted((left, right) => firstLine(left) - firstLine(right));
    return all.length === 0 ? undefined : all;
  };
  return {
    name: target?.name,
    description: target?.name === undefined ? undefined : describe(target.name, target.span),
    args: inOrder(({ args }) => args),
    secrets: inOrder(({ secrets }) => secrets),
    ssh: inOrder(({ ssh }) => ssh),
    sources: [bytes.toString('base64')],
  };
}

function firstLine({ location }: { readonly location: SourceLocation }): number {
  return location.ranges[0]?.start.line ?? 0;
}

/** A stage, then what its base has, then what it copies or mounts from. */
async function gather(reading: Reading, index: number, visited: Set<number>): Promise<readonly StageOutline[]> {
  if (visited.has(index)) return [];
  visited.add(index);
  const stage = await reading.stage(index);
  const found = [stage];
  for (const source of stage.sources) found.push(...(await gather(reading, source, visited)));
  return found;
}

async function readStage(reading: Reading, plan: StagePlan): Promise<StageOutline> {
  const { access, describe, globals } = reading;
  const start = await openBase(reading, plan);
  const args = new Map(globals.usedBy(plan.stage));
  const mounts = { secrets: new Map<string, OutlineSecret>(), ssh: new Map<string, OutlineSecret>() };
  const sources = new Set<number>();
  const [fromStep] = plan.steps;
  const triggers = fromStep === undefined ? [] : await triggerSteps(fromStep, start.triggers);
  let { draft } = start;
  const read = (instruction: Instruction, describeHere: Describe): void => {
    access.signal.throwIfAborted();
    for (const name of sourceNames(instruction)) {
      const source = plan.findSource(name, instruction.span);
      if (source.kind === 'stage') sources.add(source.index);
    }
    const expanded = expandInStage(plan, draft, instruction);
    if (instruction.kind === 'arg' && expanded.kind === 'arg') {
      for (const [index, { name, value }] of expanded.args.entries()) {
        const isOuter =
          !plan.buildArgs.has(name) && instruction.args[index]?.value === undefined && value !== undefined;
        const found = isOuter ? globals.find(name) : toArgument({ name, value, span: instruction.span }, describeHere);
        // What is there without any ARG is no argument until it is given.
        if (found !== undefined) args.set(name, found);
      }
    }
    if (expanded.kind === 'run') addMounts(expanded, mounts);
    draft = applyInstruction(draft, expanded, { args: [], madeLayer: false });
  };
  // The comments above the FROM are none of a trigger's.
  for (const { instruction } of triggers) read(instruction, () => undefined);
  for (const instruction of plan.stage.instructions) read(instruction, describe);
  const base = plan.base.kind === 'stage' ? [plan.base.index] : [];
  const others = [...sources].toSorted((left, right) => left - right);
  return { args, ...mounts, sources: [...base, ...others], draft, triggers: onbuildTriggers(draft) };
}

async function openBase(
  { access, stage }: Reading,
  plan: StagePlan,
): Promise<Pick<StageOutline, 'draft' | 'triggers'>> {
  const { base, platform } = plan;
  switch (base.kind) {
    case 'scratch':
      return { draft: scratchDraft(platform), triggers: [] };
    case 'stage': {
      const { draft, triggers } = await stage(base.index);
      return { draft: draftFromStage(draft), triggers };
    }
    case 'image': {
      const { span } = plan.stage;
      const { config } = await readBaseConfig(access, { name: base.name, platform, span, stages: plan.stageNames });
      return { draft: draftFromImage(config), triggers: onbuildTriggers(config) };
    }
  }
}

function addMounts(
  { mounts, span }: Extract<Instruction, { kind: 'run' }>,
  { secrets, ssh }: { readonly secrets: Map<string, OutlineSecret>; readonly ssh: Map<string, OutlineSecret> },
): void {
  for (const flag of mounts) {
    const mount = readMount(flag);
    if (mount.type !== 'secret' && mount.type !== 'ssh') continue;
    const found = mount.type === 'secret' ? secrets : ssh;
    const required = mount.required ? true : undefined;
    if (!found.has(mount.id)) found.set(mount.id, { name: mount.id, required, location: locate(span) });
  }
}
