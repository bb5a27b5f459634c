import { lstatSync, readlinkSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { join } from 'node:path';

/** Something that a path leads through: directories, symlinks and, last, what it names. */
export interface Visited {
  /** Absolute, without symlinks above it. */
  readonly path: string;
  readonly stats: Stats;
  /** Of a symlink. */
  readonly link: string | undefined;
}

/** Linux gives up after as many symlinks in one path. */
const mostLinks = 40;

/**
 * Follows an absolute path as the kernel would in a root file system that lies at `root`, and reports everything on the way, `/` excluded. Undefined: it leads nowhere.
 */
export function walk(root: string, path: string): readonly Visited[] | undefined {
  const visited: Visited[] = [];
  const pending = path.split('/').toReversed();
  let current: string[] = [];
  for (let links = 0; pending.length > 0;) {
    const name = pending.pop() ?? '';
    if (name === '' || name === '.') continue;
    if (name === '..') {
      current.pop();
      continue;
    }
    const here = `/${[...current, name].join('/')}`;
    const stats = lstatSync(join(root, here), { throwIfNoEntry: false });
    if (stats === undefined) return undefined;
    const link = stats.isSymbolicLink() ? readlinkSync(join(root, here)) : undefined;
    visited.push({ path: here, stats, link });
    if (link === undefined) {
      if (!stats.isDirectory() && pending.some((rest) => rest !== '')) return undefined;
      current.push(name);
      continue;
    }
    links += 1;
    if (links > mostLinks) return undefined;
    if (link.startsWith('/')) current = [];
    pending.push(...link.split('/').toReversed());
  }
  return visited;
}
