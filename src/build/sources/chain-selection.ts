import { basename } from 'node:path';
import { filterWalk } from '../../context/path-filter.ts';
import { findSource } from '../../context/source-paths.ts';
import type { SourceFinder, SourceMatch } from '../../context/source-paths.ts';
import type { SourceTree } from '../../context/source-tree.ts';
import { suggest } from '../../dockerfile/suggest.ts';
import { TbuildError } from '../../errors.ts';
import { sha256Hex } from '../../native/sha256.ts';
import { timesOf } from '../../image/merged-entries.ts';
import { blankRoot, mergedView } from '../../store/merged.ts';
import type { MergedView } from '../../store/merged.ts';
import type { LayerState, ListingEntry, Store } from '../../store/types.ts';
import type { SourceEntry, SourceItem, SourceSet } from '../transfer/source.ts';
import { itemsText } from './item-text.ts';
import type { SourceRequest } from './source-request.ts';

/** What the sources of a COPY or ADD name in a chain of layers. Throws as {@link findSource}. */
export function selectFromChain(store: Store, chain: readonly LayerState[], request: SourceRequest): SourceSet {
  const view = mergedView(chain, (id) => store.listing(id));
  const layers = new Map<string, number>();
  const rootOf = (path: string): number => {
    const layer = view.layerOf(path) ?? '';
    const index = layers.get(layer) ?? layers.size;
    layers.set(layer, index);
    return index;
  };
  const time = timesOf(chain, (id) => store.listing(id));
  const timeOf = (entry: ListingEntry): number => time(entry, view.layerOf(entry.path) ?? '');
  const { exclude, parents, as, span } = request;
  const finder: SourceFinder<ListingEntry> = {
    tree: chainTree(view),
    notFound: (source, path) => notFound(view, { source, path }, request),
    exclude,
    parents,
    literal: as === 'mounted',
    span,
  };
  const matches = request.sources.flatMap((source) => findSource(finder, source));
  const items = matches.map((match) => itemOf(view, match, { rootOf, timeOf }));
  const digest = sha256Hex(itemsText(items, request));
  return { digest, items, roots: [...layers.keys()].map((id) => store.diffDirectory(id)) };
}

function chainTree(view: MergedView): SourceTree<ListingEntry> {
  return {
    root: view.find('') ?? blankRoot,
    find: (path) => view.find(path),
    path: (entry) => entry.path,
    kind: ({ type }) => (type === 'directory' ? 'directory' : type === 'symlink' ? 'link' : 'other'),
    readLink: (entry) => entry.link ?? '',
    children: (entry) => view.children(entry.path),
  };
}

interface Placement {
  readonly rootOf: (path: string) => number;
  readonly timeOf: (entry: ListingEntry) => number;
}

/** The source itself has been followed if it was a symlink; links inside a directory stay links (as docker build). */
function itemOf(view: MergedView, match: SourceMatch<ListingEntry>, placement: Placement): SourceItem {
  const { source, name, node, filter, keepsDirectories } = match;
  const walked: Walked[] = [];
  const walk = (entry: ListingEntry, path: string): void => {
    walked.push({ entry, path });
    if (entry.type !== 'directory') return;
    for (const child of view.children(entry.path)) {
      const below = child.path.slice(child.path.lastIndexOf('/') + 1);
      walk(child, path === '' ? below : `${path}/${below}`);
    }
  };
  walk(node, '');
  const kept =
    filter === undefined || node.type !== 'directory'
      ? walked.map((thing) => ({ thing, isPassed: false }))
      : filterWalk(walked, filter);
  const groups = new Map<string, string>();
  const entries = kept.flatMap(({ thing, isPassed }) => {
    const passed = isPassed || keepsDirectories;
    return toSourceEntry(thing, { ...placement, groups, passed }) ?? [];
  });
  return { name, source, entries };
}

interface Walked {
  readonly entry: ListingEntry;
  /** Relative to the item. */
  readonly path: string;
}

interface Converting extends Placement {
  readonly groups: Map<string, string>;
  readonly passed: boolean;
}

function toSourceEntry({ entry, path }: Walked, converting: Converting): SourceEntry | undefined {
  const { rootOf, timeOf, groups, passed } = converting;
  const { mode, uid, gid, xattrs } = entry;
  const common = { path, mode, uid, gid, xattrs, mtime: timeOf(entry) };
  switch (entry.type) {
    case 'directory':
      return { ...common, type: 'directory', passed };
    case 'symlink':
      return { ...common, type: 'symlink', link: entry.link ?? '' };
    case 'file': {
      const source = rootOf(entry.path);
      const group = `${source} ${entry.hard ?? entry.path}`;
      const hardlink = groups.get(group);
      if (hardlink === undefined) groups.set(group, path);
      const content = { kind: 'copy', source, path: entry.path, sha256: entry.sha256 ?? '' } as const;
      return { ...common, type: 'file', size: entry.size, content, hardlink };
    }
    case 'character':
    case 'block':
      return { ...common, type: entry.type, ...(entry.device ?? { major: 0, minor: 0 }) };
    case 'fifo':
      return { ...common, type: 'fifo' };
    case 'whiteout':
      return undefined;
  }
}

function notFound(
  view: MergedView,
  { source, path }: { readonly source: string; readonly path: string },
  { origin, span, hint }: SourceRequest,
): TbuildError {
  const near = suggestPath(view, path);
  return new TbuildError('TBUILD_SOURCE_NOT_FOUND', `${JSON.stringify(source)} is not in ${origin}`, {
    hint:
      hint ??
      (near === undefined
        ? 'check the path; it is relative to the root of that file system'
        : `did you mean /${near}?`),
    span,
    details: { source, origin },
  });
}

/** What has nearly the name of the first component that is not there. */
function suggestPath(view: MergedView, path: string): string | undefined {
  const components = path.split('/');
  const missing = components.findIndex((_, index) => view.find(components.slice(0, index + 1).join('/')) === undefined);
  const directory = components.slice(0, missing).join('/');
  const names = new Map(view.children(directory).map((entry) => [basename(entry.path), entry.path]));
  return names.get(suggest(components[missing] ?? '', names.keys()) ?? '');
}
