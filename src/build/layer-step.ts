import { digestFromHex } from '../oci/digest.ts';
import type { CommittedDiff } from '../native/helper-types.ts';
import { staticKey } from '../cache/key.ts';
import { keyOf } from '../cache/inputs.ts';
import type { StepInputs } from '../cache/inputs.ts';
import { findEarlier, lookUp, remember } from '../cache/lookup.ts';
import { recordText } from '../cache/record.ts';
import type { CacheRecord, ReadSet } from '../cache/record.ts';
import type { ChainLayer, Job } from '../store/types.ts';
import type { Session } from './session.ts';
import type { StateAccess } from './stage-state.ts';
import type { StepRun } from './step-run.ts';

/** A step that makes a layer: its inputs, and how to make it when nothing stored serves. */
export interface LayerStep {
  readonly inputs: StepInputs;
  /** Readable description of the files that the step takes, by their index in the inputs, to be compared with that of the last build. */
  readonly describeFiles?: (index: number) => Promise<string>;
  /** Fills `job.diff` and lists it. Inputs are given back when they turned out to be others than the key said. */
  readonly execute: (job: Job) => Promise<ExecutedStep>;
  /** Called when the step is over, however it ended. */
  readonly release?: (() => Promise<void>) | undefined;
}

export interface ExecutedStep {
  readonly diff: CommittedDiff;
  readonly readSet: ReadSet;
  readonly inputs?: StepInputs | undefined;
}

export interface SolvedLayer {
  readonly layer: ChainLayer;
  /** Milliseconds since the epoch. */
  readonly created: number;
}

/** Reuses a stored result or executes, commits and records a new one. */
export async function solveLayerStep(
  session: Session,
  access: StateAccess,
  run: StepRun,
  step: LayerStep,
): Promise<SolvedLayer> {
  const key = staticKey({ kind: run.kind, ...keyOf(step.inputs) });
  run.keyed(key);
  if (session.options.noCache) {
    run.miss(step.inputs, { kind: 'no-cache' });
  } else {
    const found = await lookUp(session.store, key, access.below);
    if (found.hit && found.record.layer !== null && found.record.diffId !== null && found.record.state !== null) {
      const { layer, diffId, state, created, durationMs } = found.record;
      run.hit(step.inputs, layer, durationMs);
      return { layer: { layer, diffId, state }, created };
    }
    await run.explain(step.inputs, found.hit ? { kind: 'no-record' } : found.miss, step.describeFiles);
  }
  return session.limit(() => executeStep(session, access, run, step));
}

async function executeStep(session: Session, access: StateAccess, run: StepRun, step: LayerStep): Promise<SolvedLayer> {
  session.signal.throwIfAborted();
  const { store } = session;
  const started = Date.now();
  await using job = await store.createJob();
  const { diff, readSet, inputs = step.inputs } = await step.execute(job);
  const key = staticKey({ kind: run.kind, ...keyOf(inputs) });
  run.keyed(key);
  const earlier = await findEarlier(store, key, diff.state);
  const solved =
    earlier === undefined ? await commit(session, job, diff) : { layer: earlier, created: earlier.created };
  const { layer, diffId, state } = solved.layer;
  const record: CacheRecord = {
    version: 1,
    text: recordText(inputs),
    layer,
    diffId,
    state,
    created: solved.created,
    readSet,
    heldOn: access.below.chainState,
    durationMs: Date.now() - started,
  };
  await remember(store, key, record);
  run.executed(inputs, layer);
  return { layer: { layer, diffId, state }, created: solved.created };
}

async function commit(session: Session, job: Job, diff: CommittedDiff): Promise<SolvedLayer> {
  if (diff.diffId === undefined) throw new TypeError('a step must compute its diffID');
  const diffId = digestFromHex(diff.diffId);
  const info = await job.commitLayer(diff);
  await session.store.putDiffId(diffId, { layer: info.id, state: diff.state, blob: undefined });
  const created = session.options.epoch === undefined ? info.created : session.options.epoch * 1000;
  return { layer: { layer: info.id, diffId, state: diff.state }, created };
}
