import { TbuildError, isTbuildError } from '../../errors.ts';
import { parseImageConfig } from '../../oci/config.ts';
import { formatReference, parseReference } from '../../oci/reference.ts';
import { formatPlatform, matchPlatform, normalizePlatform } from '../../oci/platform.ts';
import type { Platform } from '../../oci/platform.ts';
import type { ImageRecord } from '../../store/types.ts';
import { archiveError } from '../../tar/archive-error.ts';
import type { Omission } from '../../tar/layer-entries.ts';
import { bringIn } from '../bring-in.ts';
import type { ImageSource } from '../bring-in.ts';
import type { LayerProgress } from '../fetch-layers.ts';
import type { LayerAccess } from '../layer-blob.ts';
import { openArchive } from './archive.ts';
import type { Archive, ArchiveOrigin } from './archive.ts';
import { dockerImages } from './docker-images.ts';
import type { FoundImage } from './found-image.ts';
import { layoutImages } from './layout-images.ts';

export interface LoadOptions extends LayerAccess {
  readonly origin: ArchiveOrigin;
  /** Chooses from an index; an archive that has the image for other platforms alone is refused. @default this machine's, or the only one that there is */
  readonly platform?: Platform | undefined;
  readonly onProgress?: ((progress: LayerProgress) => void) | undefined;
}

export interface LoadedImage {
  readonly image: ImageRecord;
  /** Normalised; they point to the image now. None: it has none in the archive. */
  readonly names: readonly string[];
}

export interface LoadedImages {
  /** In the archive's order. */
  readonly images: readonly LoadedImage[];
  readonly omissions: readonly Omission[];
}

/**
 * Brings the images of an archive into the store: docker's (`docker save`, `podman save`), an OCI layout, or both in one, in which the layout counts. Names move when all images are whole.
 * Throws TBUILD_ARCHIVE, TBUILD_MANIFEST, TBUILD_DIGEST_MISMATCH, TBUILD_PLATFORM_MISMATCH, TBUILD_REFERENCE, TBUILD_UNSUPPORTED and what unpacking throws.
 */
export async function loadImages(options: LoadOptions): Promise<LoadedImages> {
  const { store, platform, onProgress } = options;
  await using archive = await openArchive(options, options.origin);
  const found = (await findImages(archive, platform)).map(({ source, names }) => ({
    source,
    names: [...new Set(names.map(fullName))],
  }));
  for (const { source } of found) checkPlatform(source, platform);
  const images: LoadedImage[] = [];
  const omissions: Omission[] = [];
  for (const { source, names } of found) {
    const broughtIn = await bringIn(options, source, onProgress);
    images.push({ image: broughtIn.image, names });
    omissions.push(...broughtIn.omissions);
  }
  for (const { image, names } of images) if (names.length > 0) await store.tag(image.id, names);
  return { images, omissions };
}

async function findImages(archive: Archive, platform: Platform | undefined): Promise<readonly FoundImage[]> {
  if (archive.has('index.json') && archive.has('oci-layout')) return layoutImages(archive, platform);
  if (archive.has('manifest.json')) return dockerImages(archive);
  if (archive.has('repositories')) {
    throw new TbuildError('TBUILD_UNSUPPORTED', 'the archive is in the form that docker wrote before version 1.10', {
      hint: 'Load it into an older docker and save it again.',
    });
  }
  throw archiveError('the archive holds no images: it has neither manifest.json nor index.json', {
    hint: 'To make an image of the tar of a root file system use `tbuild import`.',
  });
}

function fullName(name: string): string {
  try {
    const reference = parseReference(name);
    if (reference.digest === undefined) return formatReference(reference);
  } catch (cause) {
    if (!isTbuildError(cause, 'TBUILD_REFERENCE')) throw cause;
    throw new TbuildError('TBUILD_REFERENCE', `the archive names an image wrongly: ${cause.message}`, { cause });
  }
  throw new TbuildError(
    'TBUILD_REFERENCE',
    `the archive names an image ${JSON.stringify(name.slice(0, 300))}, with a digest`,
  );
}

function checkPlatform({ configBytes }: ImageSource, wanted: Platform | undefined): void {
  if (wanted === undefined) return;
  const platform = normalizePlatform(parseImageConfig(configBytes));
  if (matchPlatform([{ platform }], wanted) !== undefined) return;
  throw new TbuildError(
    'TBUILD_PLATFORM_MISMATCH',
    `the archive has an image for ${formatPlatform(platform)}, not for ${formatPlatform(wanted)}`,
  );
}
