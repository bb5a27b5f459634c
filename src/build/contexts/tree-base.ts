import { shownUrl } from '../../http/failure.ts';
import { shownGitSource } from '../../git/git-url.ts';
import { scratchDraft } from '../../image/draft.ts';
import type { ImageDraft } from '../../image/draft.ts';
import type { BaseImage, BaseRequest } from '../base-image.ts';
import type { Session } from '../session.ts';
import { namedPlace, sourceIn } from '../sources/file-place.ts';
import { keptTree } from '../sources/kept-tree.ts';
import type { TreeSpec } from './context-spec.ts';

/** A named context that is no image, as the base of a stage: its files are the only layer of an image without a config. */
export async function treeBase(session: Session, spec: TreeSpec, request: BaseRequest): Promise<BaseImage> {
  const { name, span, onProgress: tell } = request;
  const place = await namedPlace(session, name, { spec, tell });
  const all = { exclude: [], parents: false, chmod: undefined, setsOwner: false, as: 'mounted' } as const;
  const source = sourceIn(place, { origin: place.origin, sources: ['/'], ...all, span }, session.store);
  const { layer, state, diffId } = await keptTree(session, {
    source,
    digest: await source.digest(),
    use: 'base',
    tell,
  });
  if (diffId === undefined) throw new TypeError('a base has a diffID');
  const chain = [{ layer, state, diffId }];
  return { id: state, draft: draftOf(spec, request), chain, triggers: [], cached: true };
}

/** With the entry of the history that docker makes when it finds a layer without one. */
function draftOf(spec: TreeSpec, { name, platform, stage }: BaseRequest): ImageDraft {
  const draft = scratchDraft(platform);
  // What replaces a stage has no config at all; a stage that stands on it gets its PATH there.
  const config = name === stage ? {} : draft.config;
  return { ...draft, config, history: [{ created_by: originOf(spec, name), comment: 'buildkit.exporter.image.v0' }] };
}

function originOf(spec: TreeSpec, name: string): string {
  switch (spec.kind) {
    case 'directory':
      return `local source for ${name}`;
    case 'git':
      return `git snapshot for ${shownGitSource(spec.source)}`;
    case 'url':
      return shownUrl(new URL(spec.text));
  }
}
