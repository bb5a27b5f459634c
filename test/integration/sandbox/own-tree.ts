import { chmodSync, lchownSync, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { writeTree } from '../../helpers/tree.ts';
import type { Tree } from '../../helpers/tree.ts';

/** Writes a tree that belongs to a user, whatever the umask. Files get mode 0644, directories 0755, what is in /bin 0755. */
export function makeTree(
  root: string,
  tree: Tree,
  owner: { readonly uid: number; readonly gid: number } | undefined,
): void {
  mkdirSync(root, { recursive: true });
  writeTree(root, tree);
  visit(root, owner);
}

function visit(path: string, owner: { readonly uid: number; readonly gid: number } | undefined): void {
  const info = lstatSync(path);
  if (owner !== undefined) lchownSync(path, owner.uid, owner.gid);
  if (info.isSymbolicLink()) return;
  chmodSync(path, info.isDirectory() || path.includes('/bin/') || path.includes('/lib') ? 0o755 : 0o644);
  if (info.isDirectory()) for (const name of readdirSync(path)) visit(join(path, name), owner);
}
