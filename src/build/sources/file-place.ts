import type { BuildContext } from '../../context/open-context.ts';
import type { LayerState, Store } from '../../store/types.ts';
import type { NamedContext, TreeSpec } from '../contexts/context-spec.ts';
import { namedOrigin } from '../contexts/opened-contexts.ts';
import type { Tell } from '../paced.ts';
import type { Session } from '../session.ts';
import type { TransferSource } from '../steps/copy-step.ts';
import { chainSource } from './chain-source.ts';
import { contextSource } from './context-source.ts';
import type { SourceRequest } from './source-request.ts';

/** Where files are taken from: a context that is a directory, or layers of a stage, an image or a context from elsewhere. `origin` names it for people. */
export type FilePlace =
  | { readonly kind: 'directory'; readonly origin: string; readonly files: BuildContext }
  | {
      readonly kind: 'layers';
      readonly origin: string;
      readonly layers: readonly LayerState[];
      readonly hint?: string | undefined;
    };

export function isTree(context: NamedContext): context is TreeSpec {
  return context.kind !== 'image' && context.kind !== 'oci-layout';
}

/** A named context that is no image. */
export async function namedPlace(
  { contexts }: Session,
  name: string,
  { spec, tell }: { readonly spec: TreeSpec; readonly tell: Tell },
): Promise<FilePlace> {
  return { ...(await contexts.named(name, spec, tell)), origin: namedOrigin(name) };
}

/** What is asked for in a place. */
export function sourceIn(place: FilePlace, request: SourceRequest, store: Store): TransferSource {
  return place.kind === 'directory'
    ? contextSource(place.files, request)
    : chainSource(store, place.layers, { ...request, hint: place.hint });
}
