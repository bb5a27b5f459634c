import { sha256Hex } from '../native/sha256.ts';
import type { Store } from '../store/types.ts';
import type { Cause } from './cause.ts';
import type { StepInputs } from './inputs.ts';

/** One step of a finished (or failed) build. */
export interface ReportedStep {
  readonly id: string;
  readonly number: number;
  readonly text: string;
  readonly outcome: 'base' | 'cached' | 'executed' | 'failed' | 'not-reached';
  readonly cause: Cause | undefined;
  /** Of a step that was not reached: those of the last build that reached it, and so with the layer. */
  readonly inputs: StepInputs | undefined;
  /** False when with these inputs it failed, or was ended before it had a result. */
  readonly hasResult: boolean;
  /** Static key under which its cache record is; undefined for FROM, and where the step was not reached. */
  readonly key: string | undefined;
  /** Layer that the step put on the chain, if any. */
  readonly layer: string | undefined;
  readonly durationMs: number;
}

/** What is remembered of the last build of a Dockerfile in a context: `cache why` prints it, the next build compares with it. */
export interface BuildReport {
  readonly version: 2;
  readonly context: string;
  readonly dockerfile: string;
  readonly target: string | undefined;
  readonly tags: readonly string[];
  /** Milliseconds since the epoch. */
  readonly started: number;
  readonly steps: readonly ReportedStep[];
  readonly image: string | undefined;
}

/** Builds of the same Dockerfile, context and target share a report. */
export function reportName(context: string, dockerfile: string, target: string | undefined): string {
  return sha256Hex(JSON.stringify([context, dockerfile, target])).slice(0, 32);
}

export async function readReport(store: Store, name: string): Promise<BuildReport | undefined> {
  const value = (await store.readValue('builds', name)) as Partial<BuildReport> | undefined;
  return value?.version === 2 && Array.isArray(value.steps) ? (value as BuildReport) : undefined;
}

/** Also makes it the report that `cache why` shows when none is named. */
export async function writeReport(store: Store, name: string, report: BuildReport): Promise<void> {
  await store.writeValue('builds', name, report);
  // Replacing a file by a rename can wait for the disk; the same name is the rule from build to build.
  if ((await store.readValue('builds', 'last')) !== name) await store.writeValue('builds', 'last', name);
}

/** Of every Dockerfile, context and target that was built here lately, the newest first. */
export async function readReports(store: Store): Promise<readonly BuildReport[]> {
  const names = (await store.valueNames('builds')).filter((name) => /^[0-9a-f]{32}$/.test(name));
  const reports = await Promise.all(names.map((name) => readReport(store, name)));
  return reports.filter((report) => report !== undefined).toSorted((a, b) => b.started - a.started);
}

export async function readLastReport(store: Store): Promise<BuildReport | undefined> {
  const name = await store.readValue('builds', 'last');
  return typeof name === 'string' ? readReport(store, name) : undefined;
}
