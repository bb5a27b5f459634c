import { isDirectory, isLink } from './file-type.ts';
import { requireReadable } from './scan.ts';
import type { VisibleTree } from './visible-tree.ts';

/** Files in which sources of COPY and ADD are looked for: a build context, or the file system of a stage or image. Paths are `/`-separated, without leading slash. */
export interface SourceTree<Node> {
  readonly root: Node;
  /** Symlinks are not followed. Undefined: there is nothing, or it is not to be seen. */
  find(path: string): Node | undefined;
  path(node: Node): string;
  kind(node: Node): 'directory' | 'link' | 'other';
  /** Target of a link. */
  readLink(node: Node): string;
  /** In order; what is not to be seen is left out. Throws `TBUILD_CONTEXT` for what may not be read. */
  children(node: Node): Iterable<Node>;
}

/** Stands for the context's root, which a scan does not list. */
export const contextRoot = -1;

/** What is visible of a context; nodes are records of its scan. */
export function contextTree(tree: VisibleTree, readLink: (record: number) => string): SourceTree<number> {
  const { scan } = tree;
  return {
    root: contextRoot,
    find(path) {
      const record = path === '' ? contextRoot : tree.find(path);
      return path !== '' && record < 0 ? undefined : record;
    },
    path: (record) => (record === contextRoot ? '' : scan.path(record)),
    kind(record) {
      if (record === contextRoot || isDirectory(scan.mode(record))) return 'directory';
      return isLink(scan.mode(record)) ? 'link' : 'other';
    },
    readLink,
    *children(record) {
      const end = record === contextRoot ? scan.length : scan.subtreeEnd(record);
      for (let child = record + 1; child < end; child = scan.subtreeEnd(child)) {
        if (!tree.isVisible(child)) continue;
        requireReadable(scan, child);
        yield child;
      }
    },
  };
}
