import { suggest } from '../dockerfile/suggest.ts';
import { isTbuildError, TbuildError } from '../errors.ts';
import type { SourceSpan } from '../errors.ts';
import type { Platform } from '../oci/platform.ts';
import { formatReference, parseReference } from '../oci/reference.ts';
import { draftFromImage, onbuildTriggers, scratchDraft } from '../image/draft.ts';
import type { ImageDraft } from '../image/draft.ts';
import { readImageConfig } from '../image/read-image.ts';
import type { Chain, ImageRecord } from '../store/types.ts';
import { seePlatform } from './check/seen.ts';
import type { NamedContext, TreeSpec } from './contexts/context-spec.ts';
import type { Tell } from './paced.ts';
import type { Session } from './session.ts';
import { isTree } from './sources/file-place.ts';

/** What a stage starts from, or COPY --from reads. */
export interface BaseImage {
  readonly id: string;
  readonly draft: ImageDraft;
  readonly chain: Chain;
  readonly triggers: readonly string[];
  /** False when it had to be fetched. */
  readonly cached: boolean;
}

export interface BaseRequest {
  /** As written in the Dockerfile, after expansion. */
  readonly name: string;
  readonly platform: Platform;
  readonly span: SourceSpan;
  /** Name of the stage that starts from it; of one that is replaced it is the context's name. Undefined: it has none, or only files are wanted. */
  readonly stage: string | undefined;
  /** Names of the stages of the file, which may have been meant. */
  readonly stages: readonly string[];
  readonly onProgress: Tell;
}

/** A named context, an image of the store, or one that is pulled. Leases its layers. */
export async function openBaseImage(session: Session, request: BaseRequest): Promise<BaseImage> {
  const context = session.options.buildContexts.find(request.name);
  if (context !== undefined && isTree(context)) {
    const { treeBase } = await import('./contexts/tree-base.ts');
    return treeBase(session, context, request);
  }
  if (context?.kind === 'image' && context.reference === 'scratch')
    return { ...emptyBase, draft: scratchDraft(request.platform) };
  const { image, cached } = await findOrFetch(session, context, request).catch((error: unknown) => {
    throw withNearStage(error, request);
  });
  const config = await readImageConfig(session.store, image);
  const draft = draftFromImage(config);
  // Whoever gives a named context has chosen it; docker says nothing either.
  if (context === undefined) seePlatform(session.seen, { draft }, request);
  return { id: image.id, draft, chain: image.chain, triggers: onbuildTriggers(config), cached };
}

/** `docker-image://scratch` */
const emptyBase = { id: 'scratch', chain: [], triggers: [], cached: true } as const;

async function findOrFetch(
  session: Session,
  context: Exclude<NamedContext, TreeSpec> | undefined,
  request: BaseRequest,
): Promise<{ image: ImageRecord; cached: boolean }> {
  if (context?.kind !== 'oci-layout') return byReference(session, context?.reference ?? request.name, request);
  const { importOciLayout, parseLayoutReference } = await import('./fetch.ts');
  return { image: await importOciLayout(session, parseLayoutReference(context.reference), request), cached: false };
}

async function byReference(
  session: Session,
  name: string,
  request: BaseRequest,
): Promise<{ image: ImageRecord; cached: boolean }> {
  const known = await session.store.findImage(name);
  if (known !== undefined && (await isWhole(session, known.image))) return { image: known.image, cached: true };
  const reference = parseReference(name);
  const { pullInto } = await import('./fetch.ts');
  return {
    image: await pullInto(session, { ...request, reference, fullName: formatReference(reference) }),
    cached: false,
  };
}

/** What is no stage is taken for an image: when there is none, a stage may have been misspelled, or come too late. */
export function withNearStage(error: unknown, { name, stages }: Pick<BaseRequest, 'name' | 'stages'>): unknown {
  const near = suggest(name, stages);
  if (near === undefined || !isTbuildError(error) || !missing.has(error.code)) return error;
  const hint =
    near === name.toLowerCase()
      ? `Stage ${near} is defined further down, so that ${name} is an image here. Move the stage up.`
      : `There is no stage ${name}, so that it is an image. Did you mean the stage ${near}?`;
  const { code, message, span, cause, details } = error;
  return new TbuildError(code, message, { hint, span, cause, details });
}

const missing: ReadonlySet<string> = new Set([
  'TBUILD_REFERENCE',
  'TBUILD_REGISTRY',
  'TBUILD_REGISTRY_AUTH',
  'TBUILD_IMAGE_NOT_FOUND',
  'TBUILD_MANIFEST',
]);

async function isWhole(session: Session, image: ImageRecord): Promise<boolean> {
  const there = await session.store.lease(image.chain.map(({ layer }) => layer));
  return there.every(Boolean);
}
