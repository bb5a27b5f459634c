import { staticKey } from '../../cache/key.ts';
import type { StepInputs } from '../../cache/inputs.ts';
import { lookUp, remember } from '../../cache/lookup.ts';
import { recordText } from '../../cache/record.ts';
import type { Session } from '../session.ts';
import { accessState } from '../stage-state.ts';
import type { StageState } from '../stage-state.ts';
import type { StepRun } from '../step-run.ts';

/** A step that changes only the config is always computed; its record says whether it has been built on just this before, and when first (milliseconds since the epoch). */
export async function solveConfigStep(
  session: Session,
  state: StageState,
  run: StepRun,
  /** The instruction in full for the key, and for people. */
  { step, text }: { readonly step: string; readonly text: string },
): Promise<number> {
  const inputs: StepInputs = { text, environment: {}, settings: {}, files: [], below: state.lineage };
  const key = staticKey({ kind: run.kind, text: step, lineage: state.lineage });
  run.keyed(key);
  session.store.noteRecordUse(key);
  const { below } = accessState(session.store, state);
  const found = await lookUp(session.store, key, below);
  if (found.hit && !session.options.noCache) {
    run.hit(inputs, undefined, found.record.durationMs);
    return found.record.created;
  }
  if (session.options.noCache) run.miss(inputs, { kind: 'no-cache' });
  else if (!found.hit) await run.explain(inputs, found.miss);
  const created = found.hit ? found.record.created : Date.now();
  if (!found.hit) {
    await remember(session.store, key, {
      version: 1,
      text: recordText(inputs),
      layer: null,
      diffId: null,
      state: null,
      created,
      readSet: { kind: 'facts', facts: [] },
      heldOn: state.chainState,
      durationMs: 0,
    });
  }
  run.executed(inputs, undefined);
  return created;
}
