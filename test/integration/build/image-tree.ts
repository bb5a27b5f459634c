import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { BuildOptions } from '../../../src/index.ts';
import type { Built, Workshop } from '../../helpers/workshop.ts';
import type { Tree } from '../../helpers/tree.ts';
import { loadImage } from '../../compare/image.ts';
import type { Config } from '../../compare/image.ts';
import { unpack } from '../../compare/tree.ts';
import type { Node } from '../../compare/tree.ts';

/** An image as somebody else would read it: from the exported archive, by a reader of tars that is not ours. */
export interface ExportedImage {
  readonly built: Built;
  readonly config: Config;
  /** `TYPE MODE UID:GID CONTENT` by path; undefined where there is nothing. See {@link file}, {@link directory} and {@link symlink}. */
  readonly at: (path: string) => string | undefined;
  /** {@link at} of each path. */
  readonly lines: (...paths: readonly string[]) => Readonly<Record<string, string | undefined>>;
  readonly entry: (path: string) => Node['entry'] | undefined;
  /** Names of the same file, sorted. */
  readonly hardLinks: (path: string) => readonly string[];
  /** Paths below a directory, sorted. */
  readonly below: (directory: string) => readonly string[];
}

/** Builds on `FROM base` what the text says, and reads the result. */
export async function buildImage(
  workshop: Workshop,
  dockerfile: string,
  files: Tree | string = {},
  options: Partial<BuildOptions> = {},
): Promise<ExportedImage> {
  const text = /^(ARG|FROM) /.test(dockerfile) ? dockerfile : `FROM base\n${dockerfile}`;
  const context = typeof files === 'string' ? files : workshop.context({ ...files, Dockerfile: text });
  const archive = join(workshop.directory, `image-${archives++}.tar`);
  const outputs = [{ type: 'oci', destination: archive }] as const;
  const built = await workshop.build(context, { ...options, outputs });
  const { config, layers } = await loadImage(archive);
  const { tree } = unpack(layers, Infinity);
  const at = (path: string): string | undefined => describe(tree.get(path));
  return {
    built,
    config,
    at,
    lines: (...paths) => Object.fromEntries(paths.map((path) => [path, at(path)])),
    entry: (path) => tree.get(path)?.entry,
    hardLinks: (path) => tree.get(path)?.names ?? [],
    below: (directory) =>
      [...tree.keys()]
        .filter((path) => path.startsWith(`${directory}/`))
        .map((path) => path.slice(directory.length + 1))
        .toSorted(),
  };
}

let archives = 0;

export function file(content: string | Buffer, mode = '644', owner = '0:0'): string {
  return `file ${mode} ${owner} ${digest(content)}`;
}

export function directory(mode = '755', owner = '0:0'): string {
  return `directory ${mode} ${owner}`;
}

export function symlink(target: string, owner = '0:0'): string {
  return `symlink 777 ${owner} -> ${target}`;
}

function describe(node: Node | undefined): string | undefined {
  if (node === undefined) return undefined;
  const { type, mode, uid, gid, sha256, link } = node.entry;
  const common = `${type} ${mode.toString(8)} ${uid}:${gid}`;
  if (type === 'file') return `${common} ${sha256.slice(0, 16)}`;
  return type === 'symlink' ? `${common} -> ${link}` : common;
}

function digest(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 16);
}
