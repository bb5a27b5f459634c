import { matchSteps } from '../cache/match-steps.ts';
import { readReport, reportName, writeReport } from '../cache/report.ts';
import type { ReportedStep } from '../cache/report.ts';
import { assembleImage } from '../image/assemble.ts';
import { formatReference, parseReference } from '../oci/reference.ts';
import type { PlannedStep } from '../graph/plan.ts';
import type { ImageRecord, Store } from '../store/types.ts';
import { openCleanup } from '../util/cleanup.ts';
import { firstFailure } from '../util/first-failure.ts';
import type { BuildAccess } from './access.ts';
import { checkOptionsOf, readFindings } from './check/findings.ts';
import { openedContexts } from './contexts/opened-contexts.ts';
import type { Emit } from './events.ts';
import { needsEngine } from './outputs.ts';
import { openInput, withDockerfileText } from './input.ts';
import type { BuildInput } from './input.ts';
import { accessOf } from '../rootfs/open-store.ts';
import type { ResolvedOptions } from './options.ts';
import type { BuildPlan } from './plan-build.ts';
import { planBuild } from './plan-build.ts';
import { openSecrets } from './secrets.ts';
import { createSemaphore } from './semaphore.ts';
import type { EarlierSteps, Session } from './session.ts';
import { solveStage } from './stage.ts';
import { unusedBuildArgs } from './unused-args.ts';
import type { StageResult } from './stage-state.ts';

export interface BuildResult {
  readonly image: ImageRecord;
  /** Names that point to the image now. */
  readonly names: readonly string[];
  readonly cached: number;
  readonly executed: number;
  /** How long the cached steps took when they ran, all together. */
  readonly savedMs: number;
  readonly durationMs: number;
  /** What became of each step, in the order of the Dockerfile. */
  readonly steps: readonly ReportedStep[];
}

export interface Solving {
  readonly options: ResolvedOptions;
  readonly store: Store;
  readonly signal: AbortSignal;
  readonly emit: Emit;
  readonly room: Session['room'];
}

/** Dockerfile to image: parse, plan, solve the stages, assemble, write outputs, move names, report. */
export async function solve(solving: Solving): Promise<BuildResult> {
  const started = Date.now();
  const names = solving.options.tags.map((tag) => formatReference(parseReference(tag)));
  if (solving.options.outputs.some(needsEngine)) {
    // Said now rather than after all steps.
    const { findEngine } = await import('../image/archive/engine.ts');
    await findEngine();
  }
  const { options, store, signal, emit } = solving;
  const { helper } = accessOf(store);
  const access: BuildAccess = { options, store, helper, signal, secrets: openSecrets(options.secrets), emit };
  await using cleanup = openCleanup();
  const input = await openInput(access, cleanup);
  try {
    const solved = await solveInput({ ...access, room: solving.room }, input, names);
    return { ...solved, names, durationMs: Date.now() - started };
  } catch (error) {
    throw withDockerfileText(firstFailure(error), input);
  }
}

async function solveInput(
  solving: BuildAccess & Pick<Solving, 'room'>,
  input: BuildInput,
  names: readonly string[],
): Promise<Omit<BuildResult, 'names' | 'durationMs'>> {
  const { options, store, emit } = solving;
  const started = Date.now();
  const { dockerfile, path } = input;
  const plan = planBuild(dockerfile, options);
  const { isError } = await checkOptionsOf(dockerfile, options.buildArgs);
  if (isError) {
    const { refuseFindings } = await import('./check/refuse.ts');
    await refuseFindings(solving, input, plan.resolved);
  }
  const { steps } = plan;
  const unused = unusedBuildArgs(dockerfile, options.buildArgs);
  if (unused.length > 0) {
    const message = `No ARG takes these build arguments: ${unused.join(', ')}`;
    emit({ type: 'warning', code: 'TBUILD_WARN_UNUSED_BUILD_ARG', message, span: undefined });
  }
  emit({ type: 'graph', steps });
  const report = reportName(options.contextName, path, options.target);
  const session = openSession(solving, { input, report, plan });
  const learn = async (image: ImageRecord | undefined): Promise<void> => {
    await session.contexts.save();
    const known = session.runs.map((run) => run.report());
    const isWhole = known.length >= steps.length && known.every(({ hasResult }) => hasResult);
    const earlier = isWhole ? () => undefined : await session.earlierSteps();
    if (known.some(({ cause }) => cause?.kind === 'files')) {
      const { noteReruns } = await import('./note-reruns.ts');
      await noteReruns(store, report, { plan, steps: known });
    }
    const { contextName, target } = options;
    await writeReport(store, report, {
      version: 2,
      context: contextName,
      dockerfile: path,
      target,
      tags: names,
      started,
      steps: reportSteps(steps, known, earlier),
      image: image?.id,
    });
  };
  const tellFindings = isError ? (): void => undefined : session.tellFindings;
  const image = await solveImage(session, names, { learn, tellFindings });
  emit({ type: 'image', image, names });
  const reported = session.runs.map((run) => run.report()).toSorted((a, b) => a.number - b.number);
  const count = (wanted: string): number => reported.filter(({ outcome }) => outcome === wanted).length;
  const savedMs = session.runs.reduce((sum, run) => sum + run.savedMs(), 0);
  return { image, cached: count('cached'), executed: count('executed'), savedMs, steps: reported };
}

/** What was learned is kept also of a build that fails; when the disk is full that fails too, and must not hide why the build did. */
async function solveImage(
  session: Session & { readonly solveTarget: () => Promise<StageResult> },
  names: readonly string[],
  { learn, tellFindings }: Lasting,
): Promise<ImageRecord> {
  let image: ImageRecord | undefined = undefined;
  await using cleanup = openCleanup();
  cleanup.defer(() => learn(image));
  // Also of a build that fails: they may say why.
  cleanup.defer(tellFindings);
  image = await finish(session, await session.solveTarget(), names);
  return image;
}

interface Lasting {
  readonly learn: (image: ImageRecord | undefined) => Promise<void>;
  readonly tellFindings: () => Promise<void> | void;
}

async function finish(
  session: Session,
  { state, created }: StageResult,
  names: readonly string[],
): Promise<ImageRecord> {
  const { store, options } = session;
  const { epoch, labels } = options;
  const image = await assembleImage(store, state.draft, state.chain, { created, epoch, labels });
  if (options.outputs.length > 0) {
    const { writeOutputs } = await import('./write-outputs.ts');
    await writeOutputs(session, image, names);
  }
  session.signal.throwIfAborted();
  await store.tag(image.id, names);
  // An export has given it a manifest.
  return options.outputs.length > 0 ? ((await store.findImage(image.id))?.image ?? image) : image;
}

interface SessionParts {
  readonly input: BuildInput;
  readonly report: string;
  readonly plan: BuildPlan;
}

interface OpenSession extends Session {
  readonly solveTarget: () => Promise<StageResult>;
  readonly tellFindings: () => Promise<void>;
}

/** The session, and how its stages are solved: each at most once, started when somebody first needs it; the first failure stops the others. */
function openSession({ room, ...given }: BuildAccess & Pick<Solving, 'room'>, parts: SessionParts): OpenSession {
  const { options, store, signal, emit } = given;
  const failure = new AbortController();
  const stopped = AbortSignal.any([signal, failure.signal]);
  const stages = new Map<number, Promise<StageResult>>();
  const access: BuildAccess = { ...given, signal: stopped };
  let earlier: Promise<EarlierSteps> | undefined;
  const session: Session = {
    ...access,
    room,
    limit: createSemaphore(options.concurrency),
    seen: { bases: new Map(), images: [] },
    runs: [],
    contexts: openedContexts(access, parts.input.context),
    earlierSteps: () => (earlier ??= readEarlierSteps(store, parts)),
    stage(index) {
      const known = stages.get(index);
      if (known !== undefined) return known;
      const solving = solveStage(session, parts.plan.stage(index));
      stages.set(index, solving);
      solving.catch((error: unknown) => failure.abort(error));
      return solving;
    },
  };
  return {
    ...session,
    async tellFindings() {
      if (signal.aborted) return;
      const { input, plan } = parts;
      const ignore = await session.contexts.rules();
      const request = { options, input, resolved: plan.resolved, seen: session.seen, ignore };
      for (const { rule, message, span } of await readFindings(store, request))
        emit({ type: 'warning', code: rule, message, span });
    },
    async solveTarget() {
      const { target, needed } = parts.plan;
      // All at once: a stage waits for another only where it reads from it.
      for (const index of needed) void session.stage(index).catch(() => undefined);
      try {
        return await session.stage(target);
      } catch (error) {
        await Promise.allSettled(stages.values());
        signal.throwIfAborted();
        throw failure.signal.aborted ? failure.signal.reason : error;
      }
    },
  };
}

async function readEarlierSteps(store: Store, { report, plan }: SessionParts): Promise<EarlierSteps> {
  const steps = (await readReport(store, report))?.steps ?? [];
  const matched = matchSteps(plan.steps, steps);
  const planned = new Set(plan.steps.map(({ id }) => id));
  // Steps that ONBUILD brings are not planned, and stay where they are.
  return ({ id }) => (planned.has(id) ? matched.get(id) : steps.find((step) => step.id === id));
}

/** Of steps without a result what earlier builds learned is kept, for the next one to compare with. */
function reportSteps(
  planned: readonly PlannedStep[],
  known: readonly ReportedStep[],
  earlier: EarlierSteps,
): readonly ReportedStep[] {
  const started = new Set(known.map(({ id }) => id));
  const missing = planned.filter(({ id }) => !started.has(id)).map(notReached);
  return [...known, ...missing]
    .map((step) => {
      const before = step.hasResult ? undefined : earlier(step);
      if (before === undefined) return step;
      const { inputs, hasResult, key, layer } = before;
      return step.inputs === undefined ? { ...step, inputs, hasResult, key, layer } : { ...step, layer };
    })
    .sort((a, b) => a.number - b.number);
}

function notReached({ id, number, text }: PlannedStep): ReportedStep {
  const outcome = 'not-reached';
  return {
    id,
    number,
    text,
    outcome,
    cause: undefined,
    inputs: undefined,
    hasResult: false,
    key: undefined,
    layer: undefined,
    durationMs: 0,
  };
}
