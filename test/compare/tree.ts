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
  /** Of each layer: path to the type of what it brings, or `removed`. However a layer says it, a removal is a removal, and what is the same as below is no change; nor is a directory's time. */
  readonly changes: readonly ReadonlyMap<string, string>[];
}

/**
 * Unpacks layers, bottom first, as the OCI image specification says ("Applying Changesets").
 * @param started seconds since the epoch: times after it are all the same
 */
export function unpack(layers: readonly (readonly TarEntry[])[], started: number): Unpacked {
  const tree = new Map<string, TarEntry>();
  const changes = layers.map((layer) => apply(tree, layer, started));
  const groups = new Map<TarEntry, string[]>();
  for (const [path, entry] of tree) {
    const names = groups.get(entry);
    if (names === undefined) groups.set(entry, [path]);
    else names.push(path);
  }
  const nodes = [...tree].map(
    ([path, entry]) => [path, { entry, names: (groups.get(entry) ?? []).toSorted() }] as const,
  );
  return { tree: new Map(nodes), changes };
}

function apply(tree: Map<string, TarEntry>, layer: readonly TarEntry[], started: number): ReadonlyMap<string, string> {
  const attributes = (entry: TarEntry | undefined): string => (entry === undefined ? '' : comparable(entry, started));
  const before = new Map(tree);
  // Whiteouts hide what is below their layer, never what comes with it.
  for (const entry of layer) hide(tree, entry.path);
  const changes = new Map<string, string>();
  for (const entry of layer) {
    if (isMark(entry.path)) continue;
    put(tree, entry);
  }
  for (const [path, entry] of tree) {
    if (attributes(before.get(path)) !== attributes(entry)) changes.set(path, entry.type);
  }
  for (const path of before.keys()) if (!tree.has(path)) changes.set(path, 'removed');
  return changes;
}

function comparable(entry: TarEntry, started: number): string {
  const { path: _, offset: __, mtime, ...rest } = entry;
  return JSON.stringify(entry.type === 'directory' || mtime >= started - 1 ? rest : { ...rest, mtime });
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
