import type { Deletion, Evidence, PastStep } from '../../../checks/evidence.ts';
import type { LookedStage, LookedStep } from '../../../checks/looked.ts';
import { targetChain } from '../../../checks/target-chain.ts';
import { asRecord } from '../../../cache/record.ts';
import { matchSteps } from '../../../cache/match-steps.ts';
import { readReport, reportName } from '../../../cache/report.ts';
import type { BuildReport, ReportedStep } from '../../../cache/report.ts';
import { readReruns } from '../../../cache/reruns.ts';
import { isTbuildError } from '../../../errors.ts';
import type { Listing, Store } from '../../../store/types.ts';
import { findDeletions } from './deletions.ts';
import type { BuildAccess } from '../../access.ts';
import type { EvidenceSearch } from './evidence-search.ts';

type Past = Pick<Evidence, 'past' | 'deletions'>;

/** What the last build of this Dockerfile, context and target left behind. */
export async function readPast(
  { store, options }: BuildAccess,
  { source, resolved, looked }: EvidenceSearch,
): Promise<Past> {
  const name = reportName(options.contextName, source.path, options.target);
  const report = await readReport(store, name);
  if (report === undefined) return { past: new Map(), deletions: new Map() };
  const reruns = await readReruns(store, name);
  const reported = matchReported(looked, report);
  const past = new Map<LookedStep, PastStep>();
  for (const [step, { key, outcome, durationMs, layer, hasResult }] of reported) {
    if (!hasResult) continue;
    past.set(step, {
      durationMs: outcome === 'executed' ? durationMs : ((await recordedMs(store, key)) ?? durationMs),
      reruns: (text) => reruns(step.instruction.text, text),
      listing: openListing(store, layer),
    });
  }
  const chain = targetChain({ looked, target: resolved.target });
  return { past, deletions: await deletionsOf(store, { chain, reported, report }) };
}

type Reported = ReadonlyMap<LookedStep, ReportedStep>;

/** Only steps whose instruction is still what it was. Those of triggers are not looked for. */
function matchReported(looked: readonly LookedStage[], report: BuildReport): Reported {
  const placed = looked.flatMap(({ stage, steps }) =>
    steps.flatMap((step) => {
      const at = stage.instructions.indexOf(step.instruction);
      return at === -1 ? [] : [{ step, id: `${stage.index}.${at + 1}`, text: step.instruction.text }];
    }),
  );
  const matched = matchSteps(placed, report.steps);
  return new Map(
    placed.flatMap(({ step, id, text }): [LookedStep, ReportedStep][] => {
      const found = matched.get(id);
      return found === undefined || found.text !== text ? [] : [[step, found]];
    }),
  );
}

/** How long a step took that was reused. */
async function recordedMs(store: Store, key: string | undefined): Promise<number | undefined> {
  const records = key === undefined ? [] : await store.readRecords(key);
  return records.map(asRecord).find((record) => record !== undefined)?.durationMs;
}

/** Undefined: it made none, or it has been removed from the store. */
function openListing(store: Store, layer: string | undefined): Listing | undefined {
  try {
    return layer === undefined ? undefined : store.listing(layer);
  } catch (error) {
    if (isTbuildError(error)) return undefined;
    throw error;
  }
}

interface BuiltChain {
  readonly chain: readonly LookedStep[];
  readonly reported: Reported;
  readonly report: BuildReport;
}

/** Nothing unless the layers of the image are those of the steps, all of them. */
async function deletionsOf(
  store: Store,
  { chain, reported, report }: BuiltChain,
): Promise<ReadonlyMap<LookedStep, readonly Deletion[]>> {
  const image = report.image === undefined ? undefined : (await store.findImage(report.image))?.image;
  if (image === undefined || chain.some((step) => !reported.has(step))) return new Map();
  const made = chain.flatMap((step) => {
    const layer = reported.get(step)?.layer;
    return layer === undefined ? [] : [{ step, layer }];
  });
  const own = image.chain.slice(image.chain.length - made.length);
  if (made.some(({ layer }, index) => own[index]?.layer !== layer)) return new Map();
  try {
    return findDeletions(image.chain, made, (id) => store.listing(id));
  } catch (error) {
    // Layers that prune has removed.
    if (isTbuildError(error)) return new Map();
    throw error;
  }
}
