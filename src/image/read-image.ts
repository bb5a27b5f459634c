import { TbuildError } from '../errors.ts';
import { parseImageConfig } from '../oci/config.ts';
import type { ImageConfig } from '../oci/config.ts';
import type { ImageRecord, NamedImage, Store } from '../store/types.ts';

/** Finds an image by name or id. Throws TBUILD_IMAGE_NOT_FOUND. */
export async function requireImage(store: Store, nameOrId: string): Promise<NamedImage> {
  const found = await store.findImage(nameOrId);
  if (found !== undefined) return found;
  throw new TbuildError('TBUILD_IMAGE_NOT_FOUND', `No such image: ${nameOrId}`, {
    hint: '`tbuild images` lists what the store has.',
    details: { name: nameOrId },
  });
}

/** The config blob of an image in the store. */
export async function readImageConfig(store: Store, image: ImageRecord): Promise<ImageConfig> {
  return parseImageConfig(await store.readBlob(image.id));
}
