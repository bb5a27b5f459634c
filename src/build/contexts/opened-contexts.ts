import type { IgnoreRules } from '../../context/ignore-rules.ts';
import { openContext } from '../../context/open-context.ts';
import type { BuildContext } from '../../context/open-context.ts';
import { loadAddon } from '../../native/load.ts';
import type { LayerState } from '../../store/types.ts';
import type { BuildAccess } from '../access.ts';
import type { Tell } from '../paced.ts';
import type { TreeSpec } from './context-spec.ts';

/** For people. */
export const buildContextOrigin = 'the build context';

/** A tree that is no directory of this machine (any more): layers of the store. None: an empty one. */
export interface LayersPlace {
  readonly kind: 'layers';
  readonly layers: readonly LayerState[];
  /** What to do when a source is not there. */
  readonly hint: string;
}

/** Where COPY and ADD read what they name no other place for. */
export type ContextPlace =
  | {
      readonly kind: 'directory';
      readonly root: string;
      /** Chooses the ignore file beside it; undefined where there is no such file. */
      readonly dockerfile: string | undefined;
    }
  | LayersPlace;

/** The same, listed. */
export type OpenedContext = { readonly kind: 'directory'; readonly files: BuildContext } | LayersPlace;

/** The contexts of one build, each opened (a directory is scanned, a repository fetched) when a step first asks. */
export interface OpenedContexts {
  main(): Promise<OpenedContext>;
  /** @param name of the named context, for messages */
  named(name: string, spec: TreeSpec, tell: Tell): Promise<OpenedContext>;
  /** What the main context leaves out; undefined: nothing, or no step has asked for it. */
  rules(): Promise<IgnoreRules | undefined>;
  /** Keeps what was learned about files, which holds whether or not the build succeeds. */
  save(): Promise<void>;
}

export function openedContexts(access: BuildAccess, place: ContextPlace): OpenedContexts {
  const opened = new Map<ContextPlace | TreeSpec, Promise<OpenedContext>>();
  const once = (key: ContextPlace | TreeSpec, open: () => Promise<OpenedContext>): Promise<OpenedContext> => {
    const known = opened.get(key);
    if (known !== undefined) return known;
    const opening = open();
    opened.set(key, opening);
    return opening;
  };
  return {
    main: () => once(place, () => openPlace(access, place)),
    named: (name, spec, tell) =>
      once(spec, async () => {
        if (spec.kind === 'directory') {
          const place = { kind: 'directory', root: spec.path, dockerfile: undefined } as const;
          return openPlace(access, place, namedOrigin(name));
        }
        const { remoteTree } = await import('./remote-tree.ts');
        return remoteTree(access, spec, { as: name, tell });
      }),
    async rules() {
      const main = await opened.get(place)?.catch(() => undefined);
      return main?.kind === 'directory' ? main.files.rules : undefined;
    },
    async save() {
      for (const opening of opened.values()) {
        const context = await opening.catch(() => undefined);
        if (context?.kind === 'directory') await context.files.save();
      }
    },
  };
}

/** For people. */
export function namedOrigin(name: string): string {
  return `the named context ${name}`;
}

async function openPlace(
  { store, signal }: BuildAccess,
  place: ContextPlace,
  name: string = buildContextOrigin,
): Promise<OpenedContext> {
  if (place.kind === 'layers') return place;
  const index = {
    read: (name: string) => store.readBytes('contexts', name),
    write: (name: string, bytes: Buffer) => store.writeBytes('contexts', name, bytes),
  };
  const { root, dockerfile: dockerfilePath } = place;
  const addon = loadAddon();
  return { kind: 'directory', files: await openContext({ name, root, dockerfilePath, index, addon, signal }) };
}
