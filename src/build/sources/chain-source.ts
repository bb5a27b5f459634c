import { compileGoMatch, hasWildcards } from '../../context/go-match.ts';
import { escapePath } from '../../context/describe.ts';
import { TbuildError } from '../../errors.ts';
import type { SourceSpan } from '../../errors.ts';
import { staticKey } from '../../cache/key.ts';
import { sha256Hex } from '../../native/sha256.ts';
import { timesOf } from '../../image/merged-entries.ts';
import { chainState } from '../../store/chain.ts';
import { mergedView } from '../../store/merged.ts';
import type { MergedView } from '../../store/merged.ts';
import type { LayerState, ListingEntry, Store } from '../../store/types.ts';
import type { TransferSource } from '../steps/copy-step.ts';
import type { SourceEntry, SourceItem, SourceSet } from '../transfer/source.ts';

interface ChainRequest {
  /** For people: `stage build`, an image. */
  readonly origin: string;
  readonly sources: readonly string[];
  readonly span: SourceSpan;
  /** What to do when a source is not there. @default for the file system of a stage or image */
  readonly hint?: string | undefined;
}

/** Files of another stage or image, found in listings alone; the helper copies them out of the layers' diff directories. */
export function chainSource(store: Store, chain: readonly LayerState[], request: ChainRequest): TransferSource {
  let selected: SourceSet | undefined;
  const select = (): SourceSet => (selected ??= selectFrom(store, chain, request));
  return {
    origin: request.origin,
    digest: () => rememberedDigest(store, chain, request.sources, () => select().digest),
    select: () => Promise.resolve(select()),
    // Layers never change: a copy that differs means that the store is damaged.
    withChanges: (_, changed) => {
      throw new TbuildError(
        'TBUILD_STORE_CORRUPT',
        `${changed[0]?.path ?? 'a file'} of a layer is not what its listing says`,
        {
          hint: 'remove the image and build again, or use another store',
        },
      );
    },
    describe: (set) => describeForPeople(set.items),
    explain: (error) => error,
  };
}

/** The digest of what a chain holds under some paths never changes: it is kept, so that a cached build opens no listing. */
async function rememberedDigest(
  store: Store,
  chain: readonly LayerState[],
  sources: readonly string[],
  compute: () => string,
): Promise<string> {
  const key = staticKey({ kind: 'chain selection', state: chainState(chain), sources });
  for (const value of await store.readRecords(key)) {
    const digest = (value as { readonly digest?: unknown } | null)?.digest;
    if (typeof digest === 'string' && /^[0-9a-f]{64}$/.test(digest)) return digest;
  }
  const digest = compute();
  await store.addRecord(key, { layer: null, digest }, () => true);
  return digest;
}

function selectFrom(store: Store, chain: readonly LayerState[], request: ChainRequest): SourceSet {
  const { sources } = request;
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
  const items = sources.flatMap((source) => {
    const paths = expand(view, source);
    const found = paths.flatMap((path) => selectItem(view, { path, source, rootOf, timeOf }) ?? []);
    if (found.length === 0 && !hasWildcards(source)) throw notFound(source, request);
    return found;
  });
  const digest = sha256Hex(canonicalText(items));
  return { digest, items, roots: [...layers.keys()].map((id) => store.diffDirectory(id)) };
}

interface Selecting {
  readonly path: string;
  readonly source: string;
  readonly rootOf: (path: string) => number;
  readonly timeOf: (entry: ListingEntry) => number;
}

/** The source itself is followed when it is a symlink; links inside a directory stay links (as docker build). */
function selectItem(view: MergedView, { path, source, rootOf, timeOf }: Selecting): SourceItem | undefined {
  const { path: physical, entry } = view.resolve(path, { followLast: true });
  if (entry === undefined) return undefined;
  const entries: SourceEntry[] = [];
  const groups = new Map<string, string>();
  const add = (found: ListingEntry, relative: string): void => {
    const made = toSourceEntry(found, relative, { rootOf, timeOf, groups });
    if (made !== undefined) entries.push(made);
    if (found.type !== 'directory') return;
    for (const child of view.children(found.path)) {
      const name = child.path.slice(child.path.lastIndexOf('/') + 1);
      add(child, relative === '' ? name : `${relative}/${name}`);
    }
  };
  add({ ...entry, path: physical }, '');
  return { name: path.slice(path.lastIndexOf('/') + 1), source, entries };
}

interface Converting {
  readonly rootOf: (path: string) => number;
  readonly timeOf: (entry: ListingEntry) => number;
  readonly groups: Map<string, string>;
}

function toSourceEntry(
  entry: ListingEntry,
  relative: string,
  { rootOf, timeOf, groups }: Converting,
): SourceEntry | undefined {
  const { mode, uid, gid, xattrs } = entry;
  const common = { path: relative, mode, uid, gid, xattrs, mtime: timeOf(entry) };
  switch (entry.type) {
    case 'directory':
      return { ...common, type: 'directory' };
    case 'symlink':
      return { ...common, type: 'symlink', link: entry.link ?? '' };
    case 'file': {
      const source = rootOf(entry.path);
      const group = `${source} ${entry.hard ?? entry.path}`;
      const hardlink = groups.get(group);
      if (hardlink === undefined) groups.set(group, relative);
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

/** Paths that a source names: `..` stays inside the root, wildcards are Go's filepath.Match for each component. */
function expand(view: MergedView, source: string): string[] {
  const components: string[] = [];
  for (const part of source.split('/')) {
    if (part === '..') components.pop();
    else if (part !== '' && part !== '.') components.push(part);
  }
  let paths = [''];
  for (const component of components) {
    if (!hasWildcards(component)) {
      const literal = component.replace(/\\(.)/g, '$1');
      paths = paths.map((path) => (path === '' ? literal : `${path}/${literal}`));
      continue;
    }
    const matches = compileGoMatch(component);
    paths = paths.flatMap((path) => {
      const directory = view.resolve(path, { followLast: true }).path;
      const names = view.children(directory).map((child) => child.path.slice(child.path.lastIndexOf('/') + 1));
      return names.filter(matches).map((name) => (path === '' ? name : `${path}/${name}`));
    });
  }
  return paths;
}

const letters = { directory: 'd', file: 'f', symlink: 'l', fifo: 'p', character: 'c', block: 'b' } as const;

/** The same lines as a selection of the build context has (context/describe.ts), with owners, which copies between stages keep. */
function describeForPeople(items: readonly SourceItem[]): string {
  const lines: string[] = [];
  for (const item of items) {
    const base = item.source.replace(/^\/+|\/+$/g, '');
    for (const entry of item.entries) {
      const content = entry.type === 'file' && entry.content.kind === 'copy' ? ` sha256=${entry.content.sha256}` : '';
      const path = escapePath(entry.path === '' ? base : `${base}/${entry.path}`);
      lines.push(
        `${path} ${letters[entry.type]} ${entry.mode.toString(8)}${content} ${entry.uid}:${entry.gid} ${escapePath(linkOf(entry))}\n`,
      );
    }
  }
  return lines.join('');
}

/** Everything that the copied result depends on, one line an entry. */
function canonicalText(items: readonly SourceItem[]): string {
  const lines: string[] = [];
  for (const item of items) {
    const [first] = item.entries;
    // The name counts only where it becomes part of a path: not for a directory, whose contents are copied.
    lines.push(JSON.stringify(['item', first?.type === 'directory' ? '' : item.name]));
    for (const entry of item.entries) {
      const { path, type, mode, uid, gid, xattrs } = entry;
      const content = entry.type === 'file' ? entry.content : undefined;
      const sha256 = content?.kind === 'copy' ? content.sha256 : '';
      lines.push(JSON.stringify([path, type, mode, uid, gid, sha256, linkOf(entry), sortedPairs(xattrs)]));
    }
  }
  return `${lines.join('\n')}\n`;
}

function sortedPairs(values: Readonly<Record<string, string>>): readonly (readonly [string, string])[] {
  return Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1));
}

function linkOf(entry: SourceEntry): string {
  switch (entry.type) {
    case 'symlink':
      return entry.link;
    case 'file':
      return entry.hardlink ?? '';
    case 'character':
    case 'block':
      return `${entry.major}:${entry.minor}`;
    case 'directory':
    case 'fifo':
      return '';
  }
}

function notFound(source: string, { origin, span, hint }: ChainRequest): TbuildError {
  return new TbuildError('TBUILD_SOURCE_NOT_FOUND', `${JSON.stringify(source)} is not in ${origin}`, {
    hint: hint ?? 'check the path; it is relative to the root of that file system',
    span,
    details: { source, origin },
  });
}
