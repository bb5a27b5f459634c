import type { DirectoryAttributes } from '../native/helper-types.ts';
import { archiveError } from './archive-error.ts';
import { checkComponent, showPath } from './entry-path.ts';

/** What one layer's entries have made so far, in memory: so that a later entry is placed as the kernel would place it in a chroot. */
export type LayerNode =
  | DirectoryNode
  | { readonly kind: 'symlink'; readonly link: string }
  /** Files, fifos and devices that were written. */
  | { readonly kind: 'leaf' }
  /** A device node that the caller leaves out. */
  | { readonly kind: 'omitted' }
  | { readonly kind: 'whiteout' };

export interface DirectoryNode {
  readonly kind: 'directory';
  readonly children: Map<string, LayerNode>;
  attributes: DirectoryAttributes;
  /** Seconds. */
  mtime: number;
  isOpaque: boolean;
  /** False where nothing below the layer shows through: opaque, or new in place of something else. */
  showsBelow: boolean;
}

/** What the state below has at a path, as far as placing entries depends on it. */
export type BelowEntry =
  | (DirectoryAttributes & { readonly type: 'directory' })
  | { readonly type: 'symlink'; readonly link: string }
  | { readonly type: 'other' };

/** A directory with the real path that leads to it ('' is the root). */
export interface Place {
  readonly path: string;
  readonly node: DirectoryNode;
}

export interface LayerTree {
  readonly root: DirectoryNode;
  /**
   * Walks to a directory, following symlinks inside the root: absolute ones start at the root again, `..` stops there. What is missing is made, 0755 0:0 or with the attributes that it
   * has below, and reported to `onMade`. Throws TBUILD_ARCHIVE at a component that is no directory and after 40 symlinks.
   */
  enter(components: readonly string[], onMade: (place: Place) => void): Place;
  /** The same without making anything; undefined when the path does not lead to a directory of this layer. */
  find(components: readonly string[]): Place | undefined;
  /** Puts a new node in place of whatever has the name. Counts nodes. */
  put<T extends LayerNode>(directory: DirectoryNode, name: string, node: T): T;
}

export const defaultDirectory: DirectoryAttributes = { mode: 0o755, uid: 0, gid: 0, xattrs: {} };

/** @param below what the layers below have; not given: the layer is unpacked on its own */
export function layerTree(below: (path: string) => BelowEntry | undefined = () => undefined): LayerTree {
  const root = directoryNode(defaultDirectory, { showsBelow: true });
  let nodes = 0;

  function put<T extends LayerNode>(directory: DirectoryNode, name: string, node: T): T {
    if (++nodes > maxNodes) throw archiveError(`the archive makes more than ${maxNodes} files and directories`);
    directory.children.set(name, node);
    return node;
  }

  function walk(components: readonly string[], onMade: ((place: Place) => void) | undefined): Place | undefined {
    const pending = components.toReversed();
    const top = { path: '', node: root };
    const trail: Place[] = [top];
    let followed = 0;
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      if (name === '' || name === '.') continue;
      if (name === '..') {
        if (trail.length > 1) trail.pop();
        continue;
      }
      const here = trail.at(-1) ?? top;
      const path = joinPath(here.path, name);
      const child = here.node.children.get(name);
      const under = child === undefined && here.node.showsBelow ? below(path) : undefined;
      if (child?.kind === 'directory') {
        trail.push({ path, node: child });
        continue;
      }
      const link = child?.kind === 'symlink' ? child.link : under?.type === 'symlink' ? under.link : undefined;
      if (link !== undefined) {
        if (++followed > maxSymlinks)
          throw archiveError(`${showPath(components.join('/'))}: too many levels of symlinks`);
        pending.push(...link.split('/').toReversed());
        if (link.startsWith('/')) trail.length = 1;
        continue;
      }
      if (onMade === undefined) return undefined;
      if (under?.type === 'other' || child?.kind === 'leaf' || child?.kind === 'omitted') {
        throw archiveError(`${showPath(components.join('/'))}: ${showPath(path)} is not a directory`);
      }
      checkComponent(name, path);
      const made = directoryNode(under?.type === 'directory' ? under : defaultDirectory, {
        showsBelow: here.node.showsBelow && child === undefined,
        isOpaque: child?.kind === 'whiteout',
      });
      const place = { path, node: put(here.node, name, made) };
      onMade(place);
      trail.push(place);
    }
    return trail.at(-1);
  }

  return {
    root,
    enter: (components, onMade) => walk(components, onMade) ?? { path: '', node: root },
    find: (components) => walk(components, undefined),
    put,
  };
}

export function directoryNode(
  attributes: DirectoryAttributes,
  options: { readonly showsBelow: boolean; readonly isOpaque?: boolean; readonly mtime?: number },
): DirectoryNode {
  const { mode, uid, gid, xattrs } = attributes;
  return {
    kind: 'directory',
    children: new Map(),
    attributes: { mode, uid, gid, xattrs },
    mtime: options.mtime ?? 0,
    isOpaque: options.isOpaque ?? false,
    showsBelow: options.showsBelow,
  };
}

export function joinPath(directory: string, name: string): string {
  const path = directory === '' ? name : `${directory}/${name}`;
  if (path.length > 1300 && Buffer.byteLength(path) > 4095) {
    throw archiveError(`${showPath(path)}: the path is longer than 4,095 bytes`);
  }
  return path;
}

/** The kernel's MAXSYMLINKS. */
const maxSymlinks = 40;
const maxNodes = 5_000_000;
