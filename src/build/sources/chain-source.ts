import { modesKey } from '../../context/describe.ts';
import { TbuildError } from '../../errors.ts';
import { staticKey } from '../../cache/key.ts';
import { chainState } from '../../store/chain.ts';
import type { LayerState, Store } from '../../store/types.ts';
import type { TransferSource } from '../steps/copy-step.ts';
import type { SourceSet } from '../transfer/source.ts';
import { selectFromChain } from './chain-selection.ts';
import { describeItems } from './item-text.ts';
import type { SourceRequest } from './source-request.ts';

/** Files of another stage or image, found in listings alone; the helper copies them out of the layers' diff directories. */
export function chainSource(store: Store, chain: readonly LayerState[], request: SourceRequest): TransferSource {
  let selected: SourceSet | undefined;
  const select = (): SourceSet => (selected ??= selectFromChain(store, chain, request));
  return {
    origin: request.origin,
    digest: () => rememberedDigest(store, chain, request, () => select().digest),
    select: () => Promise.resolve(select()),
    // Layers never change: a copy that differs means that the store is damaged.
    withChanges: (_, changed) => {
      throw new TbuildError(
        'TBUILD_STORE_CORRUPT',
        `${changed[0]?.path ?? 'a file'} of a layer is not what its listing says`,
        {
          hint: 'remove the image and build again, or use another store',
        },
      );
    },
    describe: (set) => describeItems(set.items, request),
    explain: (error) => error,
  };
}

/** The digest of what a chain holds under some paths never changes: it is kept, so that a cached build opens no listing. */
async function rememberedDigest(
  store: Store,
  chain: readonly LayerState[],
  { sources, exclude, parents, chmod, setsOwner, as }: SourceRequest,
  compute: () => string,
): Promise<string> {
  const rules = { exclude, parents, modes: modesKey(chmod), setsOwner, ...(as === 'copied' ? {} : { as }) };
  const key = staticKey({ kind: 'chain selection', version: 2, state: chainState(chain), sources, ...rules });
  for (const value of await store.readRecords(key)) {
    const digest = (value as { readonly digest?: unknown } | null)?.digest;
    if (typeof digest === 'string' && /^[0-9a-f]{64}$/.test(digest)) return digest;
  }
  const digest = compute();
  await store.addRecord(key, { layer: null, digest }, () => true);
  return digest;
}
