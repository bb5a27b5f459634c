import { openContext } from '../context/open-context.ts';
import type { BuildContext } from '../context/open-context.ts';
import { loadAddon } from '../native/load.ts';
import type { Store } from '../store/types.ts';

export interface ContextRequest {
  readonly root: string;
  /** Undefined: a named context. */
  readonly dockerfile: string | undefined;
  readonly signal: AbortSignal;
}

/** A build context whose stat index is kept in the store. */
export function openBuildContext(store: Store, { root, dockerfile, signal }: ContextRequest): Promise<BuildContext> {
  const index = {
    read: (name: string) => store.readBytes('contexts', name),
    write: (name: string, bytes: Buffer) => store.writeBytes('contexts', name, bytes),
  };
  return openContext({ root, dockerfilePath: dockerfile, index, addon: loadAddon(), signal });
}
