import { sha256Hex } from '../native/sha256.ts';
import type { Chain, LayerId, LayerState, Store } from './types.ts';

/** The state of the empty chain: sha256 of `tbuild chain 1\n`. */
const emptyState = '260e6cb925c96e342f753b5d80f07bef8e39be19daaa381c95ac9627d11605fc';

/** What a chain of layers adds up to, as 64 hex digits: from the empty chain's state upward, sha256 of `<state below>\n<stateDigest>\n`. */
export function chainState(chain: readonly LayerState[]): string {
  return chain.reduce(extendState, emptyState);
}

/** The state of every prefix of a chain, the empty one first. */
export function chainStates(chain: Chain): readonly string[] {
  const states = [emptyState];
  for (const layer of chain) states.push(extendState(states.at(-1) ?? emptyState, layer));
  return states;
}

function extendState(below: string, { state }: { readonly state: string }): string {
  return sha256Hex(`${below}\n${state}\n`);
}

/**
 * What is mounted for a chain: layer ids topmost first, without empty layers and without all but the topmost occurrence of an id. overlayfs refuses a directory twice, and the topmost hides
 * what the others show. Empty for a chain that has no files.
 */
export async function mountOrder(
  store: Pick<Store, 'layerInfo'>,
  chain: readonly LayerState[],
): Promise<readonly LayerId[]> {
  const topmostFirst = [...new Set(chain.map(({ layer }) => layer).reverse())];
  const infos = await Promise.all(topmostFirst.map((id) => store.layerInfo(id)));
  return topmostFirst.filter((_, index) => infos[index]?.entries !== 0);
}
