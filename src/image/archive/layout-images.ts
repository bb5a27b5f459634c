import type { Descriptor } from '../../oci/descriptor.ts';
import { samePlatform } from '../../oci/platform.ts';
import type { Platform } from '../../oci/platform.ts';
import { archiveError } from '../../tar/archive-error.ts';
import { choosePlatform, isImage, openLayoutImage, readLayoutIndex } from '../layout-image.ts';
import type { LayoutFiles } from '../layout-image.ts';
import type { Archive } from './archive.ts';
import type { FoundImage } from './found-image.ts';

/** The images of an archive of an OCI image layout: what its `index.json` names, from each index the one for the platform. */
export async function layoutImages(archive: Archive, platform: Platform | undefined): Promise<readonly FoundImage[]> {
  const files: LayoutFiles = {
    name: 'the archive',
    read: (path, limit) => archive.read(path, limit),
    layerBytes: (path) => archive.bytes(path),
  };
  const { manifests } = await readLayoutIndex(files);
  const images: FoundImage[] = [];
  for (const { descriptor, names } of chosenImages(manifests, platform)) {
    images.push({ source: await openLayoutImage(files, descriptor, platform), names });
  }
  return images;
}

interface Chosen {
  readonly descriptor: Descriptor;
  readonly names: readonly string[];
}

/** One for each digest, with all its names. Several for one name, or for none, are one image where they tell platforms apart. */
function chosenImages(manifests: readonly Descriptor[], platform: Platform | undefined): readonly Chosen[] {
  const byName = new Map<string | undefined, Descriptor[]>();
  for (const each of manifests.filter(isImage)) {
    const name = nameOf(each);
    const others = byName.get(name) ?? [];
    if (!others.some(({ digest }) => digest === each.digest)) byName.set(name, [...others, each]);
  }
  const chosen = new Map<string, { descriptor: Descriptor; names: string[] }>();
  for (const [name, candidates] of byName) {
    for (const descriptor of oneOrAll(name, candidates, platform)) {
      const image = chosen.get(descriptor.digest) ?? { descriptor, names: [] };
      if (name !== undefined) image.names.push(name);
      chosen.set(descriptor.digest, image);
    }
  }
  return [...chosen.values()];
}

function oneOrAll(
  name: string | undefined,
  candidates: readonly Descriptor[],
  platform: Platform | undefined,
): readonly Descriptor[] {
  if (candidates.length === 1) return candidates;
  const platforms = candidates.flatMap((each) => each.platform ?? []);
  const areDistinct =
    platforms.length === candidates.length &&
    platforms.every((each, index) => !platforms.slice(0, index).some((other) => samePlatform(each, other)));
  if (areDistinct) return [choosePlatform('the archive', candidates, platform)];
  if (name === undefined) return candidates;
  throw archiveError(`the archive has several images for the name ${JSON.stringify(name.slice(0, 300))}`);
}

/** What containerd and BuildKit write; else the OCI reference name, where that is more than a tag. */
function nameOf({ annotations }: Descriptor): string | undefined {
  const name = annotations?.['io.containerd.image.name'] ?? annotations?.['org.opencontainers.image.ref.name'];
  return name !== undefined && /[/:]/.test(name) ? name : undefined;
}
