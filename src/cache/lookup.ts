import type { ChainLayer, Store } from '../store/types.ts';
import { firstDifference } from './facts.ts';
import type { Fact, StateView } from './facts.ts';
import { asRecord } from './record.ts';
import type { CacheRecord, ReadSet } from './record.ts';

/** The state that a step stands on. `view` is asked only when the chain state alone does not answer. */
export interface BelowState {
  readonly chainState: string;
  readonly view: () => StateView;
}

/** Why records of the right key did not serve. */
export type Miss =
  | { readonly kind: 'no-record' }
  | { readonly kind: 'layer-gone' }
  | { readonly kind: 'state' }
  | { readonly kind: 'fact'; readonly question: string; readonly before: string; readonly after: string };

export type Lookup =
  { readonly hit: true; readonly record: CacheRecord } | { readonly hit: false; readonly miss: Miss };

/** The newest record of the key whose read set holds in the state below and whose layer is there. Leases that layer. */
export async function lookUp(store: Store, key: string, below: BelowState): Promise<Lookup> {
  let miss: Miss = { kind: 'no-record' };
  for (const value of await store.readRecords(key)) {
    const record = asRecord(value);
    if (record === undefined) continue;
    const difference = record.heldOn === below.chainState ? undefined : differs(record.readSet, below);
    if (difference !== undefined) {
      if (miss.kind === 'no-record') miss = difference;
      continue;
    }
    if (record.layer !== null && (await store.lease([record.layer]))[0] !== true) {
      miss = { kind: 'layer-gone' };
      continue;
    }
    if (record.heldOn !== below.chainState) await remember(store, key, { ...record, heldOn: below.chainState });
    return { hit: true, record };
  }
  return { hit: false, miss };
}

/** Stores a record in front of the others of its key. */
export async function remember(store: Store, key: string, record: CacheRecord): Promise<void> {
  await store.addRecord(key, record, (other) => {
    const existing = asRecord(other);
    return existing === undefined || sameReadSet(existing.readSet, record.readSet);
  });
}

/**
 * An earlier layer of the same key with the same state as one just made: it goes on the chain instead, else sources would turn newer than what was built from them. Leases it.
 */
export async function findEarlier(
  store: Store,
  key: string,
  state: string,
): Promise<(ChainLayer & { readonly created: number }) | undefined> {
  for (const value of await store.readRecords(key)) {
    const record = asRecord(value);
    if (record === undefined || record.layer === null || record.diffId === null || record.state !== state) continue;
    if ((await store.lease([record.layer]))[0] !== true) continue;
    return { layer: record.layer, diffId: record.diffId, state, created: record.created };
  }
  return undefined;
}

function differs(readSet: ReadSet, below: BelowState): Miss | undefined {
  if (readSet.kind === 'state') return readSet.state === below.chainState ? undefined : { kind: 'state' };
  const difference = readSet.facts.length === 0 ? undefined : firstDifference(below.view(), readSet.facts);
  return difference === undefined ? undefined : { kind: 'fact', ...difference };
}

function sameReadSet(a: ReadSet, b: ReadSet): boolean {
  if (a.kind === 'state' || b.kind === 'state') return a.kind === b.kind && stateOf(a) === stateOf(b);
  return sameFacts(a.facts, b.facts);
}

function stateOf(readSet: ReadSet): string | undefined {
  return readSet.kind === 'state' ? readSet.state : undefined;
}

function sameFacts(a: readonly Fact[], b: readonly Fact[]): boolean {
  return a.length === b.length && a.every((fact, index) => fact[0] === b[index]?.[0] && fact[1] === b[index]?.[1]);
}
