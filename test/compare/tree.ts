import { cleanPath } from './tar.ts';
import type { TarEntry } from './tar.ts';

/** What a path of the unpacked image is. */
export interface Node {
  readonly entry: TarEntry;
  /** Names of the same file, sorted; one for a file without hard links. */
  names: readonly string[];
}

export interface Unpacked {
  /** Path to what is there. */
  readonly tree: ReadonlyMap<string, Node>;
  /** Of each layer: path to the type of what it brings, or `removed`. However a layer says it, a removal is a removal. */
  readonly changes: readonly ReadonlyMap<string, string>[];
}

/** Unpacks layers, bottom first, as the OCI image specification says ("Applying Changesets"). */
export function unpack(layers: readonly (readonly TarEntry[])[]): Unpacked {
  const tree = new Map<string, TarEntry>();
  const changes = layers.map((layer) => apply(tree, layer));
  const groups = new Map<TarEntry, string[]>();
  for (const [path, entry] of tree) {
    const names = groups.get(entry);
    if (names === undefined) groups.set(entry, [path]);
    else names.push(path);
  }
  const nodes = [...tree].map(([path, entry]) => [path, { entry, names: (groups.get(entry) ?? []).toSorted() }] as const);
  return { tree: new Map(nodes), changes };
}

function apply(tree: Map<string, TarEntry>, layer: readonly TarEntry[]): ReadonlyMap<string, string> {
  const before = [...tree.keys()];
  // Whiteouts hide what is below their layer, never what comes with it.
  for (const entry of layer) hide(tree, entry.path);
  const changes = new Map<string, string>();
  for (const entry of layer) {
    if (isMark(entry.path)) continue;
    put(tree, entry);
    changes.set(entry.path, entry.type === 'hardlink' ? 'file' : entry.type);
  }
  for (const path of before) if (!tree.has(path)) changes.set(path, 'removed');
  return changes;
}

function hide(tree: Map<string, TarEntry>, path: string): void {
  const { directory, name } = split(path);
  if (name === '.wh..wh..opq') removeBelow(tree, directory);
  else if (name.startsWith('.wh.')) remove(tree, join(directory, name.slice(4)));
}

function put(tree: Map<string, TarEntry>, entry: TarEntry): void {
  const { path } = entry;
  if (entry.type === 'hardlink') {
    const target = tree.get(cleanPath(entry.link));
    if (target === undefined) throw new Error(`${path} is a hard link to ${entry.link}, which is not there`);
    remove(tree, path);
    tree.set(path, target);
    return;
  }
  if (entry.type !== 'directory') remove(tree, path);
  else if (tree.get(path)?.type !== 'directory') tree.delete(path);
  tree.set(path, entry);
}

function remove(tree: Map<string, TarEntry>, path: string): void {
  if (tree.get(path)?.type === 'directory') removeBelow(tree, path);
  tree.delete(path);
}

function removeBelow(tree: Map<string, TarEntry>, directory: string): void {
  for (const path of tree.keys()) if (path.startsWith(directory === '' ? '' : `${directory}/`)) tree.delete(path);
}

function isMark(path: string): boolean {
  return split(path).name.startsWith('.wh.');
}

function split(path: string): { directory: string; name: string } {
  const slash = path.lastIndexOf('/');
  return { directory: path.slice(0, Math.max(slash, 0)), name: path.slice(slash + 1) };
}

function join(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`;
}
