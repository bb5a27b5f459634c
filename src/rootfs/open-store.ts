import type { Helper } from '../native/helper-types.ts';
import { lazyHelper } from '../native/lazy-helper.ts';
import type { SandboxIdentity } from '../sandbox/identity.ts';
import { openStore as openBareStore } from '../store/open.ts';
import type { Store } from '../store/types.ts';
import { firstFailure } from '../util/first-failure.ts';
import { systemIdentity } from './identity.ts';
import type { IdentityChoice } from './identity.ts';

export interface OpenStoreOptions extends IdentityChoice {
  /** @default `$TBUILD_STORE`; without it `/var/lib/tbuild` as root and `$XDG_DATA_HOME/tbuild` (`~/.local/share/tbuild`) otherwise */
  readonly root?: string | undefined;
  /** Ends waiting for locks that other processes hold. */
  readonly signal?: AbortSignal | undefined;
}

/** What a store was opened with: the helper that touches its trees, and the ids that its commands have. */
export interface StoreAccess {
  readonly helper: Helper;
  readonly identity: () => SandboxIdentity;
}

const accesses = new WeakMap<Store, StoreAccess>();

/** Opens a store together with its helper, which is started when first needed and ends with the store handle. */
export async function openStore(options: OpenStoreOptions = {}): Promise<Store> {
  let known: ReturnType<typeof systemIdentity> | undefined;
  const identity = (): ReturnType<typeof systemIdentity> => (known ??= systemIdentity(options));
  const helper = lazyHelper(() => identity().helper);
  const bare = await openBareStore({
    root: options.root,
    signal: options.signal,
    removeTree: (paths) => helper.remove(paths),
    measureTrees: (paths) => helper.usage(paths),
  });
  const store: Store = {
    ...bare,
    async [Symbol.asyncDispose]() {
      try {
        await bare[Symbol.asyncDispose]();
      } finally {
        await helper[Symbol.asyncDispose]();
      }
    },
  };
  accesses.set(store, { helper, identity: () => identity().sandbox });
  return store;
}

/** Throws TypeError for a store that `openStore` did not make. */
export function accessOf(store: Store): StoreAccess {
  const access = accesses.get(store);
  if (access === undefined) throw new TypeError('this store was not opened by openStore');
  return access;
}

export interface WithStoreOptions extends OpenStoreOptions {
  /** One that is open, and stays so. */
  readonly store?: Store | undefined;
}

/** Runs `body` on the given store, or on one that is open as long as it takes. */
export async function withStore<T>(options: WithStoreOptions, body: (store: Store) => Promise<T>): Promise<T> {
  try {
    if (options.store !== undefined) return await body(options.store);
    await using store = await openStore(options);
    return await body(store);
  } catch (error) {
    throw firstFailure(error);
  }
}
