import { TbuildError, isTbuildError } from '../errors.ts';
import { digestHex } from '../oci/digest.ts';
import type { Digest } from '../oci/digest.ts';
import { familiarReference, formatReference, parseReference } from '../oci/reference.ts';
import type { ImageRecord, Store } from '../store/types.ts';
import { requireImage } from './read-image.ts';

/** What `docker rmi` prints, without its `Untagged: ` and `Deleted: `. */
export interface RemovedImage {
  readonly untagged: readonly string[];
  /** The image's id where it went with its last name. Its layers go with the next `prune`. */
  readonly deleted: readonly Digest[];
}

/**
 * Removes an image as `docker rmi` does. By name: that name goes, and the image with its last one. By id: all its names and the image; several names need `force`.
 * Throws TBUILD_IMAGE_NOT_FOUND and TBUILD_IMAGE_IN_USE.
 */
export async function removeImage(
  store: Store,
  nameOrId: string,
  options: { readonly force?: boolean | undefined } = {},
): Promise<RemovedImage> {
  const { image } = await requireImage(store, nameOrId);
  const names = await namesOf(store, image);
  const given = fullName(nameOrId);
  if (given !== undefined && names.includes(given)) {
    await store.untag(given);
    if (names.length > 1) return { untagged: [familiar(given)], deleted: [] };
  } else {
    if (names.length > 1 && options.force !== true) throw inUse(image, names);
    for (const name of names) await store.untag(name);
  }
  await store.removeImage(image.id);
  return { untagged: [...names, ...image.repoDigests].map(familiar), deleted: [image.id] };
}

async function namesOf(store: Store, image: ImageRecord): Promise<readonly string[]> {
  const images = await store.listImages();
  return images.filter((each) => each.image.id === image.id).flatMap(({ name }) => name ?? []);
}

/** Undefined for what is only an id. */
function fullName(nameOrId: string): string | undefined {
  try {
    return formatReference(parseReference(nameOrId));
  } catch (error) {
    if (!isTbuildError(error, 'TBUILD_REFERENCE')) throw error;
    return undefined;
  }
}

function familiar(name: string): string {
  return familiarReference(parseReference(name));
}

function inUse(image: ImageRecord, names: readonly string[]): TbuildError {
  const id = digestHex(image.id).slice(0, 12);
  return new TbuildError(
    'TBUILD_IMAGE_IN_USE',
    `conflict: unable to delete ${id} (must be forced) - image is referenced in multiple repositories`,
    { hint: `It is ${names.map(familiar).join(', ')}. Remove these names, or use --force.`, details: { names } },
  );
}
