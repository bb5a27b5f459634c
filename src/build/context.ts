import { openContext } from '../context/open-context.ts';
import type { BuildContext } from '../context/open-context.ts';
import { loadAddon } from '../native/load.ts';
import type { LayerState, Store } from '../store/types.ts';

/** Where COPY and ADD read what they name no other place for. */
export type ContextPlace =
  | {
      readonly kind: 'directory';
      readonly root: string;
      /** Chooses the ignore file beside it; undefined where there is no such file. */
      readonly dockerfile: string | undefined;
    }
  /** A tar, unpacked; none: a build without context. */
  | { readonly kind: 'layers'; readonly layers: readonly LayerState[] };

/** The same, listed. */
export type OpenedContext =
  | { readonly kind: 'directory'; readonly files: BuildContext }
  | { readonly kind: 'layers'; readonly layers: readonly LayerState[] };

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
