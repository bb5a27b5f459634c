import { familiarRepository, formatReference, parseReference } from '../oci/reference.ts';
import type { NamedImage, Store } from '../store/types.ts';
import { requireImage } from './read-image.ts';

/** All images, newest first; one entry for each name, and one for an image without any. */
export async function listImages(store: Store): Promise<readonly NamedImage[]> {
  const images = await store.listImages();
  return images.toSorted((a, b) => timeOf(b) - timeOf(a) || (a.name ?? '').localeCompare(b.name ?? ''));
}

/** `docker.io/library/debian:trixie` as people write it. */
export function familiarName(name: string): { readonly repository: string; readonly tag: string } {
  const reference = parseReference(name);
  return { repository: familiarRepository(reference), tag: reference.tag ?? '<none>' };
}

/** Gives an image one more name. Throws TBUILD_IMAGE_NOT_FOUND and TBUILD_REFERENCE. */
export async function tagImage(store: Store, source: string, target: string): Promise<void> {
  const name = formatReference(parseReference(target));
  const { image } = await requireImage(store, source);
  await store.tag(image.id, [name]);
}

function timeOf({ image }: NamedImage): number {
  const time = Date.parse(image.created ?? '');
  return Number.isNaN(time) ? 0 : time;
}
