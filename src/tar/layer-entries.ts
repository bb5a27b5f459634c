import type { WriteEntry } from '../native/helper-types.ts';
import { archiveError } from './archive-error.ts';
import { keptAttributes } from './entry-attributes.ts';
import type { EntryAttributes } from './entry-attributes.ts';
import { cleanPath, showPath } from './entry-path.ts';
import { directoryNode, joinPath, layerTree } from './layer-tree.ts';
import type { BelowEntry, DirectoryNode, LayerNode, LayerTree, Place } from './layer-tree.ts';
import type { TarEntry } from './read-tar.ts';

export interface LayerEntriesOptions {
  /** `apply`: `.wh.` names are whiteouts (layers); `refuse`: they are an error (ADD), since a file of such a name could not be exported. @default 'apply' */
  readonly whiteouts?: 'apply' | 'refuse';
  /** `omit`: device nodes are left out and reported, for users who cannot make them. @default 'make' */
  readonly devices?: 'make' | 'omit';
  /** Where the archive's root goes, relative to the layer's: every path is put below it, and symlinks resolve inside it. The caller makes the directories down to it. @default '' */
  readonly destination?: string;
  /** What the state below the layer has at a path relative to the archive's root; given where the archive is unpacked onto that state (ADD). */
  readonly below?: (path: string) => BelowEntry | undefined;
  readonly onOmitted?: (omission: Omission) => void;
}

/** Something of the archive that the layer does not get. */
export interface Omission {
  readonly path: string;
  readonly what: 'device' | 'xattr';
  /** `c 1:3`, or the attribute's name. */
  readonly detail: string;
}

/**
 * Turns a layer's tar into entries for the helper's `write`: real directories before what is in them, no path through a symlink, no `..`. The result is what unpacking in a chroot would give:
 * later entries replace earlier ones, names lead through symlinks of the same layer inside the root, missing parents are made 0755 0:0 (type `parent`). Whiteouts hide what is below the
 * layer, never what is in it, wherever they stand (OCI image-spec, layer.md). A directory that replaces something else of its layer, or is whited out by it, is opaque. The archive's root
 * entry comes as the directory `.` (or the destination).
 *
 * Throws TBUILD_ARCHIVE: names and hard links that lead out or to nothing, whiteouts of `.` and `..`, an opaque root, a root that is no directory (CVE-2021-29136), a path through a file, device 0:0
 * (overlayfs would take it for a whiteout).
 */
export async function* layerEntries(
  tar: AsyncIterable<TarEntry>,
  options: LayerEntriesOptions = {},
): AsyncGenerator<WriteEntry, void, undefined> {
  const layer = openLayer(options);
  for await (const entry of tar) {
    placeEntry(layer, entry);
    yield* layer.output.splice(0);
  }
}

interface Layer {
  readonly tree: LayerTree;
  readonly options: LayerEntriesOptions;
  /** Entries to be handed out, in order. */
  readonly output: WriteEntry[];
  /** The path in the diff. */
  at(path: string): string;
  enter(components: readonly string[]): Place;
}

function openLayer(options: LayerEntriesOptions): Layer {
  const tree = layerTree(options.below);
  const output: WriteEntry[] = [];
  const destination = cleanPath(options.destination ?? '').join('/');
  const at = (path: string): string => (path === '' ? destination || '.' : joinPath(destination, path));
  const onMade = ({ path, node }: Place): void => {
    output.push(
      node.isOpaque ? directoryEntry(at(path), node) : { type: 'parent', path: at(path), ...node.attributes },
    );
  };
  return { tree, options, output, at, enter: (components) => tree.enter(components, onMade) };
}

const whiteoutPrefix = '.wh.';
/** AUFS' own files, and the opaque mark. */
const metadataPrefix = '.wh..wh.';
const opaqueName = '.wh..wh..opq';

function placeEntry(layer: Layer, entry: TarEntry): void {
  const components = cleanPath(entry.path);
  const name = components.at(-1);
  if (name === undefined) {
    placeRoot(layer, entry);
    return;
  }
  const parents = components.slice(0, -1);
  if (components.some((component) => component.startsWith(whiteoutPrefix))) {
    if (layer.options.whiteouts === 'refuse') {
      throw archiveError(`${showPath(entry.path)}: names that begin with ".wh." mark deletions in image layers`);
    }
    if (components.some((each) => each.startsWith(metadataPrefix) && each !== opaqueName)) return;
    if (parents.some((component) => component.startsWith(whiteoutPrefix))) {
      throw archiveError(`${showPath(entry.path)}: an entry below a whiteout`);
    }
    placeWhiteout(layer, layer.enter(parents), name, entry);
    return;
  }
  const place = layer.enter(parents);
  if (entry.type === 'directory') placeDirectory(layer, place, name, attributesOf(layer, entry));
  else placeOther(layer, place, name, entry);
}

function placeRoot(layer: Layer, entry: TarEntry): void {
  if (entry.type !== 'directory')
    throw archiveError(`the archive's root ${showPath(entry.path)} is a ${entry.type}, not a directory`);
  const { root } = layer.tree;
  setAttributes(root, attributesOf(layer, entry));
  layer.output.push(directoryEntry(layer.at(''), root));
}

function placeDirectory(layer: Layer, place: Place, name: string, attributes: EntryAttributes): void {
  const path = joinPath(place.path, name);
  const old = place.node.children.get(name);
  let node: DirectoryNode;
  if (old?.kind === 'directory') {
    node = old;
    setAttributes(node, attributes);
  } else {
    const isReplacing = old !== undefined && old.kind !== 'omitted';
    node = directoryNode(attributes, {
      showsBelow: place.node.showsBelow && !isReplacing && layer.options.below?.(path)?.type === 'directory',
      isOpaque: isReplacing,
      mtime: attributes.mtime,
    });
    layer.tree.put(place.node, name, node);
  }
  layer.output.push(directoryEntry(layer.at(path), node));
}

function placeOther(layer: Layer, place: Place, name: string, entry: TarEntry): void {
  const path = joinPath(place.path, name);
  const { node, output } = prepareOther(layer, path, entry);
  const old = place.node.children.get(name);
  layer.tree.put(place.node, name, node);
  if (output !== undefined) layer.output.push(output);
  // What an omitted device replaces has to go all the same.
  else if (old !== undefined && old.kind !== 'omitted') layer.output.push({ type: 'whiteout', path: layer.at(path) });
}

function prepareOther(
  layer: Layer,
  path: string,
  entry: TarEntry,
): { node: LayerNode; output: WriteEntry | undefined } {
  const to = layer.at(path);
  switch (entry.type) {
    case 'file': {
      const content = { kind: 'stream', size: entry.size, data: entry.content } as const;
      return { node: leaf, output: { type: 'file', path: to, ...attributesOf(layer, entry), content } };
    }
    case 'symlink': {
      const { linkname: link } = entry;
      return {
        node: { kind: 'symlink', link },
        output: { type: 'symlink', path: to, ...attributesOf(layer, entry), link },
      };
    }
    case 'hardlink': {
      const target = resolveHardlink(layer, path, entry);
      if (target.node.kind === 'omitted') {
        layer.options.onOmitted?.({ path: to, what: 'device', detail: `link to ${layer.at(target.path)}` });
        return { node: omitted, output: undefined };
      }
      return { node: target.node, output: { type: 'hardlink', path: to, link: layer.at(target.path) } };
    }
    case 'fifo':
      return { node: leaf, output: { type: 'fifo', path: to, ...attributesOf(layer, entry) } };
    case 'character':
    case 'block':
      return prepareDevice(layer, to, entry, entry.type);
    case 'directory':
      throw new TypeError('directories are placed by placeDirectory');
  }
}

function prepareDevice(
  layer: Layer,
  to: string,
  entry: TarEntry,
  type: 'character' | 'block',
): { node: LayerNode; output: WriteEntry | undefined } {
  const { major, minor } = entry;
  // Linux: 12 bits of major, 20 of minor.
  if (major < 0 || minor < 0 || major > 0xfff || minor > 0xfffff) {
    throw archiveError(`${showPath(entry.path)}: device number ${major}:${minor} is out of range`);
  }
  if (type === 'character' && major === 0 && minor === 0) {
    throw archiveError(`${showPath(entry.path)}: character device 0:0 is overlayfs' mark for a deleted file`);
  }
  if (layer.options.devices === 'omit') {
    layer.options.onOmitted?.({
      path: to,
      what: 'device',
      detail: `${type === 'block' ? 'b' : 'c'} ${major}:${minor}`,
    });
    return { node: omitted, output: undefined };
  }
  return { node: leaf, output: { type, path: to, ...attributesOf(layer, entry), major, minor } };
}

type Linkable = Exclude<LayerNode, { readonly kind: 'directory' | 'whiteout' }>;

/** The parent of a target is looked up through symlinks, its last component is not followed: a link to a symlink is a second name of the symlink. */
function resolveHardlink(layer: Layer, path: string, entry: TarEntry): { node: Linkable; path: string } {
  const components = cleanPath(entry.linkname);
  const name = components.at(-1);
  const parent = layer.tree.find(components.slice(0, -1));
  const node = name === undefined ? undefined : parent?.node.children.get(name);
  if (name === undefined || parent === undefined || node === undefined || node.kind === 'whiteout') {
    throw archiveError(
      `${showPath(entry.path)}: hard link to ${showPath(entry.linkname)}, which is not in the archive before it`,
    );
  }
  const target = joinPath(parent.path, name);
  if (node.kind === 'directory') {
    throw archiveError(`${showPath(entry.path)}: hard link to the directory ${showPath(entry.linkname)}`);
  }
  if (target === path || target.startsWith(`${path}/`)) {
    throw archiveError(`${showPath(entry.path)}: hard link to itself or to something inside it`);
  }
  return { node, path: target };
}

function placeWhiteout(layer: Layer, place: Place, name: string, entry: TarEntry): void {
  if (name === opaqueName) {
    if (place.path === '') {
      throw archiveError(`${showPath(entry.path)}: an opaque root is not supported`, {
        hint: 'The layer hides all layers below it: build the image again from that layer alone.',
      });
    }
    makeOpaque(layer, place);
    return;
  }
  const hidden = name.slice(whiteoutPrefix.length);
  if (hidden === '' || hidden === '.' || hidden === '..') {
    throw archiveError(`${showPath(entry.path)}: a whiteout of ${JSON.stringify(hidden)}`);
  }
  const path = joinPath(place.path, hidden);
  const old = place.node.children.get(hidden);
  if (old?.kind === 'directory') makeOpaque(layer, { path, node: old });
  if (old !== undefined && old.kind !== 'omitted') return;
  layer.tree.put(place.node, hidden, { kind: 'whiteout' });
  layer.output.push({ type: 'whiteout', path: layer.at(path) });
}

function makeOpaque(layer: Layer, { path, node }: Place): void {
  if (node.isOpaque) return;
  node.isOpaque = true;
  node.showsBelow = false;
  layer.output.push(directoryEntry(layer.at(path), node));
}

function directoryEntry(path: string, node: DirectoryNode): WriteEntry {
  const opaque = node.isOpaque ? { opaque: true } : {};
  return { type: 'directory', path, ...node.attributes, mtime: node.mtime, ...opaque };
}

function setAttributes(node: DirectoryNode, { mode, uid, gid, mtime, xattrs }: EntryAttributes): void {
  node.attributes = { mode, uid, gid, xattrs };
  node.mtime = mtime;
}

function attributesOf(layer: Layer, entry: TarEntry): EntryAttributes {
  return keptAttributes(entry, (detail) => layer.options.onOmitted?.({ path: entry.path, what: 'xattr', detail }));
}

const leaf: LayerNode = { kind: 'leaf' };
const omitted: LayerNode = { kind: 'omitted' };
