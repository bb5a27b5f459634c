import { TbuildError, isTbuildError } from '../../errors.ts';
import { formatPlatform, matchPlatform } from '../../oci/platform.ts';
import type { Platform } from '../../oci/platform.ts';
import { formatReference, parseReference, repositoryName } from '../../oci/reference.ts';
import type { Reference } from '../../oci/reference.ts';
import type { ImageRecord, NamedImage, Store } from '../../store/types.ts';
import { requireImage } from '../read-image.ts';
import type { SavedImage } from './save.ts';

/**
 * What `docker save` takes for its arguments: a name with a tag is that image under that name, a repository without one all its tags, an id the image without a name. Each image once, with all names
 * that it was asked for by. Throws TBUILD_IMAGE_NOT_FOUND, TBUILD_REFERENCE, TBUILD_PLATFORM_MISMATCH.
 */
export async function selectImages(
  store: Store,
  asked: readonly string[],
  platform: Platform | undefined,
): Promise<readonly SavedImage[]> {
  const selected = new Map<string, { readonly image: ImageRecord; readonly names: string[] }>();
  for (const text of asked) {
    for (const { image, name } of await imagesOf(store, text)) {
      if (platform !== undefined) checkPlatform(text, image, platform);
      const known = selected.get(image.id) ?? { image, names: [] };
      if (name !== undefined && !known.names.includes(name)) known.names.push(name);
      selected.set(image.id, known);
    }
  }
  return [...selected.values()];
}

async function imagesOf(store: Store, text: string): Promise<readonly NamedImage[]> {
  const reference = referenceOf(text);
  if (reference !== undefined && reference.digest === undefined) {
    const images = await store.listImages();
    const wanted = hasTag(text) ? formatReference(reference) : `${repositoryName(reference)}:`;
    const found = images.filter(({ name }) => (hasTag(text) ? name === wanted : name?.startsWith(wanted)));
    // As docker: a name goes before the beginning of an id.
    if (found.length > 0) return found.toSorted((a, b) => ((a.name ?? '') < (b.name ?? '') ? -1 : 1));
  }
  const { image } = await requireImage(store, text);
  return [{ name: undefined, image }];
}

/** Undefined for what can only be an id. */
function referenceOf(text: string): Reference | undefined {
  try {
    return parseReference(text);
  } catch (error) {
    if (isTbuildError(error, 'TBUILD_REFERENCE')) return undefined;
    throw error;
  }
}

function hasTag(text: string): boolean {
  return text.includes(':', text.lastIndexOf('/') + 1);
}

function checkPlatform(text: string, image: ImageRecord, wanted: Platform): void {
  if (matchPlatform([image], wanted) !== undefined) return;
  throw new TbuildError(
    'TBUILD_PLATFORM_MISMATCH',
    `${text} is for ${formatPlatform(image.platform)}, not for ${formatPlatform(wanted)}`,
  );
}
