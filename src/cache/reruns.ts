import { sha256Hex } from '../native/sha256.ts';
import type { Store } from '../store/types.ts';

/** How often a step ran again because the files of a COPY or ADD below it had changed, by the texts of the two instructions. */
export type Reruns = (step: string, copy: string) => number;

/** A step that ran again, and the copies below it whose files had changed. Texts of instructions. */
export interface Rerun {
  readonly step: string;
  readonly copies: readonly string[];
}

interface Counts {
  readonly version: 1;
  readonly counts: Readonly<Record<string, number>>;
}

/** @param report the name of a build report, beside which they are kept */
export async function readReruns(store: Store, report: string): Promise<Reruns> {
  const counts = await readCounts(store, report);
  return (step, copy) => counts.get(pairName(step, copy)) ?? 0;
}

/** Counts one more of each. Those of instructions that the Dockerfile no longer has are forgotten. */
export async function addReruns(
  store: Store,
  report: string,
  { reruns, texts }: { readonly reruns: readonly Rerun[]; readonly texts: readonly string[] },
): Promise<void> {
  const counts = new Map(await readCounts(store, report));
  for (const { step, copies } of reruns) {
    for (const copy of copies) counts.set(pairName(step, copy), (counts.get(pairName(step, copy)) ?? 0) + 1);
  }
  const known = new Set(texts.map(nameOf));
  const kept = [...counts].filter(([name]) => name.split(' ').every((part) => known.has(part)));
  await store.writeValue('builds', valueName(report), { version: 1, counts: Object.fromEntries(kept) });
}

async function readCounts(store: Store, report: string): Promise<ReadonlyMap<string, number>> {
  const value = (await store.readValue('builds', valueName(report))) as Partial<Counts> | undefined;
  if (value?.version !== 1 || typeof value.counts !== 'object' || value.counts === null) return new Map();
  return new Map(Object.entries(value.counts).filter(([, count]) => Number.isSafeInteger(count)));
}

/** Not the name of a report, which is 32 digits. */
function valueName(report: string): string {
  return `${report}-reruns`;
}

function pairName(step: string, copy: string): string {
  return `${nameOf(step)} ${nameOf(copy)}`;
}

function nameOf(text: string): string {
  return sha256Hex(text).slice(0, 16);
}
