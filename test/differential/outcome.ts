import type { LoadedImage } from '../compare/image.ts';
import { unpack } from '../compare/tree.ts';
import type { Node } from '../compare/tree.ts';

/** What became of a case, as it is kept in results/. */
export type Outcome =
  | { readonly refused: string }
  | {
      readonly config: Readonly<Record<string, unknown>>;
      readonly author?: string;
      /** `created_by` of what is above the base, ` (no layer)` behind it where there is none. */
      readonly history: readonly string[];
      /** What is not as in the base: `TYPE MODE UID:GID CONTENT` by path, `removed`. Times are not in it. */
      readonly files: Readonly<Record<string, string>>;
    };

/** What every entry of a history of BuildKit says; a history that says otherwise would be found by comparing this. */
const comment = 'buildkit.dockerfile.v0';

/** @param base an image that the image may stand on */
export function describeImage(image: LoadedImage, base: LoadedImage): Outcome {
  const { config, author, history = [], rootfs } = image.config;
  const isOnBase = rootfs.diff_ids[0] !== undefined && rootfs.diff_ids[0] === base.config.rootfs.diff_ids[0];
  const below = isOnBase ? base : { config: { rootfs: { diff_ids: [] } }, layers: [] };
  const own = history.slice(below.config.history?.length ?? 0);
  return {
    config: config ?? {},
    ...(author === undefined ? {} : { author }),
    history: own.map((entry) => {
      const layer = entry.empty_layer === true ? ' (no layer)' : '';
      return `${entry.created_by ?? ''}${layer}${entry.comment === comment ? '' : ` (comment ${String(entry.comment)})`}`;
    }),
    files: changes(image, { below, init: unpack(base.layers, 0).tree.get('bin/init')?.entry.sha256 }),
  };
}

interface Ground {
  readonly below: Pick<LoadedImage, 'layers'>;
  /** Digest of the program that this machine's compiler made: the results hold its name. */
  readonly init: string | undefined;
}

function changes(image: LoadedImage, { below, init }: Ground): Record<string, string> {
  const [after, before] = [unpack(image.layers, 0).tree, unpack(below.layers, 0).tree];
  const found: [string, string][] = [];
  for (const [path, node] of after) {
    const line = describe(node, init);
    if (line !== describe(before.get(path), init)) found.push([`/${path}`, line]);
  }
  for (const path of before.keys()) if (!after.has(path)) found.push([`/${path}`, 'removed']);
  return Object.fromEntries(found.toSorted(([left], [right]) => (left < right ? -1 : 1)));
}

function describe(node: Node | undefined, init: string | undefined): string {
  if (node === undefined) return '';
  const { type, mode, uid, gid, sha256, link } = node.entry;
  const detail =
    type === 'file' ? ` ${sha256 === init ? 'init' : sha256.slice(0, 12)}` : type === 'symlink' ? ` -> ${link}` : '';
  return `${type} ${mode.toString(8)} ${uid}:${gid}${detail}`;
}
