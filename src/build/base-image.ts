import { TbuildError } from '../errors.ts';
import type { SourceSpan } from '../errors.ts';
import { formatPlatform, samePlatform } from '../oci/platform.ts';
import type { Platform } from '../oci/platform.ts';
import { formatReference, parseReference } from '../oci/reference.ts';
import { draftFromImage, onbuildTriggers } from '../image/draft.ts';
import type { ImageDraft } from '../image/draft.ts';
import { readImageConfig } from '../image/read-image.ts';
import type { Chain, ImageRecord } from '../store/types.ts';
import { parseNamedContext } from './named-contexts.ts';
import type { Tell } from './paced.ts';
import type { Session } from './session.ts';

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
  readonly onProgress: Tell;
}

/** An image of the store, or one that is pulled. Named contexts win over both. Leases its layers. */
export async function openBaseImage(session: Session, request: BaseRequest): Promise<BaseImage> {
  const { image, cached } = await findOrFetch(session, request);
  const config = await readImageConfig(session.store, image);
  return { id: image.id, draft: draftFromImage(config), chain: image.chain, triggers: onbuildTriggers(config), cached };
}

async function findOrFetch(session: Session, request: BaseRequest): Promise<{ image: ImageRecord; cached: boolean }> {
  const source = session.options.buildContexts[request.name];
  const context = source === undefined ? undefined : parseNamedContext(request.name, source);
  switch (context?.kind) {
    case 'directory':
      throw new TbuildError('TBUILD_UNSUPPORTED', `FROM ${request.name}: a directory cannot be a base image yet`, {
        span: request.span,
        hint: 'use it in COPY --from, or import a tar of it with `tbuild import`',
      });
    case 'oci-layout': {
      const { importOciLayout, parseLayoutReference } = await import('./fetch.ts');
      return { image: await importOciLayout(session, parseLayoutReference(context.reference), request), cached: false };
    }
    case 'image':
      return byReference(session, context.reference, request);
    case undefined:
      return byReference(session, request.name, request);
  }
}

async function byReference(
  session: Session,
  name: string,
  request: BaseRequest,
): Promise<{ image: ImageRecord; cached: boolean }> {
  const known = await session.store.findImage(name);
  if (known !== undefined && (await isWhole(session, known.image))) {
    checkPlatform(session, known.image, { ...request, name });
    return { image: known.image, cached: true };
  }
  const reference = parseReference(name);
  const { pullInto } = await import('./fetch.ts');
  return {
    image: await pullInto(session, { ...request, reference, fullName: formatReference(reference) }),
    cached: false,
  };
}

async function isWhole(session: Session, image: ImageRecord): Promise<boolean> {
  const there = await session.store.lease(image.chain.map(({ layer }) => layer));
  return there.every(Boolean);
}

function checkPlatform(session: Session, image: ImageRecord, { name, platform, span }: BaseRequest): void {
  if (samePlatform(image.platform, platform)) return;
  session.emit({
    type: 'warning',
    code: 'InvalidBaseImagePlatform',
    message: `${name} in the store is for ${formatPlatform(image.platform)}, not ${formatPlatform(platform)}`,
    span,
  });
}
