import { canonicalJson } from '../oci/canonical-json.ts';
import type { ContainerConfig, ImageConfig } from '../oci/config.ts';
import type { Digest } from '../oci/digest.ts';
import { familiarReference, parseReference } from '../oci/reference.ts';
import type { Chain, ImageRecord, Store } from '../store/types.ts';
import { knownFields } from './draft.ts';
import { readImageConfig, requireImage } from './read-image.ts';

/** One element of what `docker image inspect` prints: the same fields in the same order. */
export interface ImageInspection {
  readonly Id: Digest;
  readonly RepoTags: readonly string[];
  readonly RepoDigests: readonly string[];
  readonly Parent: string;
  readonly Comment: string;
  readonly Created: string;
  readonly DockerVersion: string;
  readonly Author: string;
  readonly Architecture: string;
  readonly Variant?: string;
  readonly Os: string;
  /** Bytes of the contents of all layers. */
  readonly Size: number;
  readonly GraphDriver: GraphDriver;
  readonly RootFS: { readonly Type: 'layers'; readonly Layers: readonly Digest[] };
  readonly Metadata: { readonly LastTagTime: string };
  readonly Config: ContainerConfig;
}

export interface GraphDriver {
  readonly Data: {
    /** The layers below the top one, topmost first, joined by `:`. */
    readonly LowerDir?: string;
    /** The top layer: what the last step changed. */
    readonly UpperDir?: string;
    /** overlayfs needs it: whiteouts and opaque marks are in the `user.` form. */
    readonly MountOptions: 'userxattr';
  };
  readonly Name: 'overlay2';
}

/** Everything docker tells about an image. Throws TBUILD_IMAGE_NOT_FOUND. */
export async function inspectImage(store: Store, nameOrId: string): Promise<ImageInspection> {
  const { image } = await requireImage(store, nameOrId);
  const [config, images] = await Promise.all([readImageConfig(store, image), store.listImages()]);
  const names = images.filter((each) => each.image.id === image.id).flatMap(({ name }) => name ?? []);
  return inspection(image, { config, names, diffDirectory: (layer) => store.diffDirectory(layer) });
}

interface Facts {
  readonly config: ImageConfig;
  readonly names: readonly string[];
  readonly diffDirectory: (layer: string) => string;
}

/** The same from facts at hand. Pure. */
export function inspection(image: ImageRecord, { config, names, diffDirectory }: Facts): ImageInspection {
  return {
    Id: image.id,
    RepoTags: names.map(familiarName).toSorted(),
    RepoDigests: image.repoDigests.map(familiarName).toSorted(),
    Parent: '',
    Comment: importComment(config) ?? config.history?.at(-1)?.comment ?? '',
    Created: config.created ?? '0001-01-01T00:00:00Z',
    DockerVersion: '',
    Author: config.author ?? '',
    Architecture: config.architecture,
    ...(config.variant === undefined ? {} : { Variant: config.variant }),
    Os: config.os,
    Size: image.size,
    GraphDriver: { Data: graphData(image.chain, diffDirectory), Name: 'overlay2' },
    RootFS: { Type: 'layers', Layers: config.rootfs.diff_ids },
    Metadata: { LastTagTime: '0001-01-01T00:00:00Z' },
    // docker prints the fields that it knows, by name.
    Config: JSON.parse(canonicalJson(knownFields(config.config ?? {}))) as ContainerConfig,
  };
}

function familiarName(name: string): string {
  return familiarReference(parseReference(name));
}

/** Only the topmost occurrence of a layer: the paths can be given to mount(8), which refuses a directory twice. */
function graphData(chain: Chain, diffDirectory: (layer: string) => string): GraphDriver['Data'] {
  const [top, ...below] = new Set(chain.toReversed().map(({ layer }) => layer));
  return {
    ...(below.length === 0 ? {} : { LowerDir: below.map(diffDirectory).join(':') }),
    ...(top === undefined ? {} : { UpperDir: diffDirectory(top) }),
    MountOptions: 'userxattr',
  };
}

/** `docker import` writes a comment at the top of the config, where OCI has none. */
function importComment(config: ImageConfig): string | undefined {
  const comment = (config as { readonly comment?: unknown }).comment;
  return typeof comment === 'string' && comment !== '' ? comment : undefined;
}
