import { factReader } from '../cache/facts.ts';
import type { FactReader } from '../cache/facts.ts';
import type { BelowState } from '../cache/lookup.ts';
import type { BuildArguments } from '../image/created-by.ts';
import type { ImageDraft } from '../image/draft.ts';
import { sha256Hex } from '../native/sha256.ts';
import { chainState } from '../store/chain.ts';
import { mergedView } from '../store/merged.ts';
import type { MergedView } from '../store/merged.ts';
import type { Chain, ChainLayer, Store } from '../store/types.ts';

/** What a stage has come to: config, layers, and the variables in scope. Replaced by each step, never changed. */
export interface StageState {
  readonly draft: ImageDraft;
  readonly chain: Chain;
  /** ARGs declared so far, with the value that --build-arg or the default gives. */
  readonly args: BuildArguments;
  /** Running digest of all steps so far: what a config-only step depends on. */
  readonly lineage: string;
  readonly chainState: string;
}

/** A finished stage. */
export interface StageResult {
  readonly state: StageState;
  /** When its first step was first built, milliseconds since the epoch: the time of an image without layers. */
  readonly created: number;
}

export interface StageChange {
  readonly draft?: ImageDraft;
  readonly layer?: ChainLayer | undefined;
  readonly args?: BuildArguments;
  readonly step: string;
}

export function initialState(
  draft: ImageDraft,
  chain: Chain,
  { lineage, args }: Pick<StageState, 'lineage' | 'args'>,
): StageState {
  return { draft, chain, args, lineage, chainState: chainState(chain) };
}

export function nextState(state: StageState, change: StageChange): StageState {
  const chain = change.layer === undefined ? state.chain : [...state.chain, change.layer];
  return {
    draft: change.draft ?? state.draft,
    chain,
    args: change.args ?? state.args,
    lineage: sha256Hex(`${state.lineage}\n${change.step}\n${change.layer?.state ?? ''}`),
    chainState: change.layer === undefined ? state.chainState : chainState(chain),
  };
}

export interface StateAccess {
  readonly view: () => MergedView;
  readonly below: BelowState;
  readonly reader: () => FactReader;
}

/** Ways to look into a state; listings are opened when first asked. */
export function accessState(store: Store, state: StageState): StateAccess {
  let opened: MergedView | undefined;
  const view = (): MergedView => (opened ??= mergedView(state.chain, (id) => store.listing(id)));
  return { view, below: { chainState: state.chainState, view }, reader: () => factReader(view()) };
}
