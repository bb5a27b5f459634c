import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Path → content, `{ link }` for a symlink, or null for an empty directory. */
export type Tree = Readonly<Record<string, string | Buffer | { readonly link: string } | null>>;

/** Writes a small tree, making parents as needed. */
export function writeTree(root: string, tree: Tree): void {
  for (const [path, value] of Object.entries(tree)) {
    const target = join(root, path);
    mkdirSync(value === null ? target : dirname(target), { recursive: true });
    if (value === null) continue;
    if (typeof value === 'string' || Buffer.isBuffer(value)) writeFileSync(target, value);
    else symlinkSync(value.link, target);
  }
}
