import type { LayerId, Store } from '../store/types.ts';
import { asTreeRecord } from './tree-record.ts';
import type { TreeRecord } from './tree-record.ts';
import { asRecord } from './record.ts';
import { readReports } from './report.ts';
import type { BuildReport, ReportedStep } from './report.ts';

/** Where a layer that was built here comes from. */
export interface LayerOrigin {
  /** The step of the last build that had it; undefined: no build that is remembered did. */
  readonly step: OriginStep | undefined;
  /** Undefined: it has been removed from the store. */
  readonly record: OriginRecord | undefined;
}

export interface OriginStep {
  readonly dockerfile: string;
  readonly target: string | undefined;
  readonly number: number;
  /** Of the steps that this build went through. */
  readonly total: number;
  readonly text: string;
  /** Milliseconds since the epoch. */
  readonly started: number;
}

export interface OriginRecord {
  /** Static key: 64 hex digits. */
  readonly key: string;
  /** The instruction after expansion; undefined where an earlier version made the record. */
  readonly text: string | undefined;
  /** How long the step took when it ran. */
  readonly durationMs: number;
}

/** What is remembered of all layers. */
export interface OriginIndex {
  readonly records: ReadonlyMap<LayerId, readonly OriginRecord[]>;
  /** Layers that no step made. */
  readonly trees: ReadonlyMap<LayerId, TreeRecord>;
  /** Newest first. */
  readonly reports: readonly BuildReport[];
}

/** Reads all records and reports. */
export async function readOrigins(store: Store): Promise<OriginIndex> {
  const records = new Map<LayerId, OriginRecord[]>();
  const trees = new Map<LayerId, TreeRecord>();
  for (const [key, values] of await store.allRecords()) {
    for (const value of values) {
      const record = asRecord(value);
      const tree = asTreeRecord(value);
      if (tree !== undefined) trees.set(tree.layer, tree);
      if (record === undefined || record.layer === null) continue;
      const { text, durationMs } = record;
      const others = records.get(record.layer) ?? [];
      records.set(record.layer, others);
      others.push({ key, text, durationMs });
    }
  }
  return { records, trees, reports: await readReports(store) };
}

/** Of a layer that several steps made, any of them. Undefined: it came from no step, or nothing is remembered. */
export function layerOrigin(index: OriginIndex, layer: LayerId): LayerOrigin | undefined {
  for (const report of index.reports) {
    const at = report.steps.findIndex((step) => madeLayer(step, layer));
    if (at >= 0) return toOrigin(index, layer, { report, at });
  }
  return toOrigin(index, layer, undefined);
}

/** Of each layer of an image, bottom first. Where two steps made the same layer, each comes from its own. */
export function chainOrigins(
  index: OriginIndex,
  image: string,
  layers: readonly LayerId[],
): readonly (LayerOrigin | undefined)[] {
  const report = index.reports.find((each) => each.image === image);
  let top = report?.steps.length ?? 0;
  return layers
    .toReversed()
    .map((layer) => {
      const at = report?.steps.findLastIndex((step, place) => place < top && madeLayer(step, layer)) ?? -1;
      if (report === undefined || at < 0) return layerOrigin(index, layer);
      top = at;
      return toOrigin(index, layer, { report, at });
    })
    .toReversed();
}

function madeLayer({ layer, outcome }: ReportedStep, id: LayerId): boolean {
  return layer === id && outcome !== 'base';
}

function toOrigin(
  { records }: OriginIndex,
  layer: LayerId,
  place: { readonly report: BuildReport; readonly at: number } | undefined,
): LayerOrigin | undefined {
  const reported = place?.report.steps[place.at];
  const candidates = records.get(layer) ?? [];
  const record = candidates.find(({ key }) => key === reported?.key) ?? candidates[0];
  if (place === undefined || reported === undefined) return record && { step: undefined, record };
  const { dockerfile, target, started, steps } = place.report;
  const { number, text } = reported;
  // Steps that ONBUILD brings have the number of their FROM.
  const total = Math.max(...steps.map((step) => step.number));
  return { step: { dockerfile, target, number, total, text, started }, record };
}
