import type { Instruction } from '../dockerfile/instruction.ts';
import { isTbuildError, TbuildError } from '../errors.ts';
import { expandInstruction } from '../dockerfile/expand-instruction.ts';
import { draftFromStage, onbuildTriggers, scratchDraft, visibleVariables } from '../image/draft.ts';
import type { ImageDraft } from '../image/draft.ts';
import { resolveArgs } from '../dockerfile/resolve-args.ts';
import type { PlannedStep } from '../graph/plan.ts';
import { openBaseImage } from './base-image.ts';
import type { Session } from './session.ts';
import { initialState } from './stage-state.ts';
import type { StageResult, StageState } from './stage-state.ts';
import { startStep } from './step-run.ts';
import type { StepRun } from './step-run.ts';
import { solveInstruction } from './steps/solve-instruction.ts';
import type { StagePlan } from './plan.ts';

/** Solves one stage from its FROM to its last instruction. */
export async function solveStage(session: Session, plan: StagePlan): Promise<StageResult> {
  const [fromStep, ...steps] = plan.steps;
  if (fromStep === undefined) throw new TypeError('a stage has at least its FROM');
  const { state: start, triggers } = await solveFrom(session, plan, fromStep);
  let state = start;
  let created: number | undefined;
  const work = [
    ...(await triggerSteps(fromStep, triggers)),
    ...plan.stage.instructions.map((instruction, index) => ({ instruction, step: steps[index] ?? fromStep })),
  ];
  for (const { instruction, step } of work) {
    session.signal.throwIfAborted();
    const run = startStep(session, step, instruction.kind);
    try {
      const expanded = expandInStage(plan, state.draft, instruction);
      const solved = await solveInstruction({ session, plan, state, run }, expanded);
      ({ state } = solved);
      created ??= solved.created;
      run.finish();
    } catch (error) {
      throw session.signal.aborted ? error : run.fail(error);
    }
  }
  return { state, created: created ?? 0 };
}

/** The instruction with the values that it has at this point of the stage. Throws TBUILD_EXPANSION and what the instruction refuses. */
export function expandInStage(plan: StagePlan, draft: ImageDraft, instruction: Instruction): Instruction {
  const env = visibleVariables(draft);
  const { buildArgs, globalArgs: outer, escape } = plan;
  return instruction.kind === 'arg'
    ? resolveArgs(instruction, { env, buildArgs, outer, escape })
    : expandInstruction(instruction, env, escape);
}

interface StartingPoint {
  readonly state: StageState;
  readonly triggers: readonly string[];
}

async function solveFrom(session: Session, plan: StagePlan, step: PlannedStep): Promise<StartingPoint> {
  const run = startStep(session, step, 'from');
  try {
    const { base } = plan;
    const start = await openBase(session, plan, run);
    const settings = { image: start.id };
    run.base(
      { text: plan.stage.text, environment: {}, settings, files: [], below: undefined },
      base.kind === 'scratch' ? undefined : start.id,
    );
    run.finish();
    return start;
  } catch (error) {
    throw session.signal.aborted ? error : run.fail(error);
  }
}

async function openBase(
  session: Session,
  plan: StagePlan,
  run: StepRun,
): Promise<StartingPoint & { readonly id: string }> {
  const { base, platform } = plan;
  switch (base.kind) {
    case 'scratch':
      return {
        id: 'scratch',
        state: initialState(scratchDraft(platform), [], { lineage: 'scratch', args: [] }),
        triggers: [],
      };
    case 'stage': {
      const { state } = await run.waitFor(session.stage(base.index));
      const triggers = onbuildTriggers(state.draft);
      return {
        id: state.lineage,
        state: initialState(draftFromStage(state.draft), state.chain, state),
        triggers,
      };
    }
    case 'image': {
      const image = await openBaseImage(session, {
        name: base.name,
        platform,
        span: plan.stage.span,
        stage: plan.stage.name,
        stages: plan.stageNames,
        onProgress: run.progress,
      });
      session.seen.bases.set(plan.stage.index, image);
      return {
        id: image.id,
        state: initialState(image.draft, image.chain, { lineage: image.id, args: [] }),
        triggers: image.triggers,
      };
    }
  }
}

/** The base's ONBUILD instructions run directly behind FROM (Dockerfile reference, "ONBUILD"). */
export async function triggerSteps(
  from: PlannedStep,
  triggers: readonly string[],
): Promise<{ instruction: Instruction; step: PlannedStep }[]> {
  if (triggers.length === 0) return [];
  const { parseInstruction, triggerKinds } = await import('../dockerfile/parse-instruction.ts');
  return triggers.map((trigger, index) => {
    const { span } = from;
    try {
      const instruction = parseInstruction(trigger, { file: span.file, span, allowed: triggerKinds });
      return { instruction, step: { ...from, id: `${from.id}+${index + 1}`, text: `ONBUILD ${instruction.text}` } };
    } catch (cause) {
      throw isTbuildError(cause) ? ofTrigger(cause, trigger) : cause;
    }
  });
}

/** What is wrong stands in the base, and not in the line that is shown. */
function ofTrigger({ code, message, span, hint, details }: TbuildError, trigger: string): TbuildError {
  const [line = ''] = trigger.split('\n');
  return new TbuildError(code, `the base has the trigger ONBUILD ${line}: ${message}`, { span, hint, details });
}
