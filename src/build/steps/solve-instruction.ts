import type { Instruction } from '../../dockerfile/instruction.ts';
import { applyInstruction, resolveWorkdir } from '../../image/apply-instruction.ts';
import { createdBy } from '../../image/created-by.ts';
import { solveLayerStep } from '../layer-step.ts';
import type { LayerStep } from '../layer-step.ts';
import type { StagePlan } from '../plan.ts';
import type { Session } from '../session.ts';
import { openTransferSource } from '../sources/open-source.ts';
import { accessState, nextState } from '../stage-state.ts';
import type { StageState } from '../stage-state.ts';
import type { StepRun } from '../step-run.ts';
import { openCleanup } from '../../util/cleanup.ts';
import { solveConfigStep } from './config-step.ts';
import { transferStep } from './copy-step.ts';
import { runStep } from './run-step.ts';
import { workdirStep } from './workdir-step.ts';

export interface Solving {
  readonly session: Session;
  readonly plan: StagePlan;
  readonly state: StageState;
  readonly run: StepRun;
}

export interface Solved {
  readonly state: StageState;
  /** Milliseconds since the epoch. */
  readonly created: number;
}

/** One (expanded) instruction on a state. */
export async function solveInstruction(solving: Solving, instruction: Instruction): Promise<Solved> {
  const { session, state, run } = solving;
  const args = instruction.kind === 'arg' ? [...state.args, ...instruction.args] : state.args;
  const step = stableText(instruction);
  const layerStep = await toLayerStep(solving, instruction);
  if (layerStep === undefined) {
    // Before the record is looked up: a malformed value must fail the step, cached or not.
    const draft = applyInstruction(state.draft, instruction, { args, madeLayer: false });
    const text = createdBy(draft, instruction, args) ?? instruction.text;
    const created = await solveConfigStep(session, state, run, { step, text });
    return { state: nextState(state, { draft, args, step }), created };
  }
  await using cleanup = openCleanup();
  if (layerStep.release !== undefined) cleanup.defer(layerStep.release);
  const { layer, created } = await solveLayerStep(session, accessState(session.store, state), run, layerStep);
  const draft = applyInstruction(state.draft, instruction, { args, madeLayer: true, created });
  return { state: nextState(state, { draft, layer, step }), created };
}

async function toLayerStep(
  { session, plan, state, run }: Solving,
  instruction: Instruction,
): Promise<LayerStep | undefined> {
  const access = accessState(session.store, state);
  switch (instruction.kind) {
    case 'run':
      return runStep({ session, plan, run, state, access }, instruction);
    case 'copy':
    case 'add': {
      const source = await openTransferSource({ session, plan, run }, instruction);
      return transferStep({ session, state, access, run }, instruction, source);
    }
    case 'workdir': {
      const path = resolveWorkdir(state.draft.config.WorkingDir, instruction.path);
      // The root is always there: docker build makes no layer for it.
      return path === '/' ? undefined : workdirStep(session, state, access, path);
    }
    default:
      return undefined;
  }
}

/** The expanded instruction as one stable line, without its place in the file. */
function stableText(instruction: Instruction): string {
  const { span: _, text: __, ...rest } = instruction;
  return JSON.stringify(rest);
}
