import { lstatSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { LinkedFile, TreeUsage } from '../native/helper-types.ts';
import { errnoOf, ioError } from '../util/io-error.ts';

/** Removes trees without following symlinks; what is absent is fine. */
export type RemoveTree = (paths: readonly string[]) => Promise<void>;

/** What trees take on the disk, each by itself; what is absent is 0 bytes. */
export type MeasureTrees = (paths: readonly string[]) => Promise<readonly TreeUsage[]>;

/** Enough for what this process may look into. */
export const measureOwnTrees: MeasureTrees = async (paths) => paths.map(measureOwnTree);

function measureOwnTree(path: string): TreeUsage {
  const linked = new Map<number, LinkedFile>();
  let bytes = 0;
  const add = (at: string): void => {
    const stats = lstatSync(at, { throwIfNoEntry: false });
    if (stats === undefined) return;
    if (stats.isDirectory() || stats.nlink === 1) bytes += stats.blocks * 512;
    else {
      const seen = (linked.get(stats.ino)?.seen ?? 0) + 1;
      linked.set(stats.ino, { inode: stats.ino, bytes: stats.blocks * 512, links: stats.nlink, seen });
    }
    if (stats.isDirectory()) for (const name of namesIn(at)) add(join(at, name));
  };
  add(path);
  return { bytes, linked: [...linked.values()] };
}

/** Other processes remove garbage, too: what vanishes meanwhile is not counted. */
function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** What the disk gets back when these trees go: a file with links elsewhere stays. */
export function freedBytes(trees: readonly TreeUsage[]): number {
  const seen = new Map<number, number>();
  let freed = 0;
  for (const tree of trees) {
    freed += tree.bytes;
    for (const { inode, bytes, links, seen: here } of tree.linked) {
      const all = (seen.get(inode) ?? 0) + here;
      seen.set(inode, all);
      if (all === links) freed += bytes;
    }
  }
  return freed;
}

/** What these trees take together: each file once. */
export function usedBytes(trees: readonly TreeUsage[]): number {
  const files = new Map(trees.flatMap(({ linked }) => linked.map(({ inode, bytes }) => [inode, bytes] as const)));
  return [...files.values()].reduce((sum, bytes) => sum + bytes, 0) + trees.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Enough for what this process owns; files of mapped ids need the helper. */
export const removeOwnTree: RemoveTree = async (paths) => {
  for (const path of paths) {
    try {
      await rm(path, { recursive: true, force: true });
    } catch (error) {
      throw ioError(error, 'remove', path);
    }
  }
};
