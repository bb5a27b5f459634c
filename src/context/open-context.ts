import { realpath, stat } from 'node:fs/promises';
import type { SourceSpan } from '../errors.ts';
import { TbuildError } from '../errors.ts';
import type { NativeAddon } from '../native/addon.ts';
import { sha256Hex } from '../native/sha256.ts';
import { isDirectory } from './file-type.ts';
import { createFileDigests } from './file-digests.ts';
import type { FileDigests } from './file-digests.ts';
import { noIgnoreFile, readIgnoreFile } from './ignore-file.ts';
import { compileIgnoreRules } from './ignore-rules.ts';
import type { IgnoreRules } from './ignore-rules.ts';
import { sourceNotFound } from './not-found.ts';
import { openScan, scanContext } from './scan.ts';
import { buildItems, recordsOf } from './selection.ts';
import type { MatchedRecords, SelectedAs, Selection } from './selection.ts';
import { listItems } from './list-items.ts';
import type { ListedItem } from './list-items.ts';
import { digestSelection, modesKey } from './describe.ts';
import type { SourceFinder } from './source-paths.ts';
import { findSource } from './source-paths.ts';
import { contextTree } from './source-tree.ts';
import type { IndexFile, Memo, StatIndex } from './stat-index.ts';
import { carryOver, decodeIndex, encodeIndex } from './stat-index.ts';
import { createVisibleTree } from './visible-tree.ts';
import type { VisibleTree } from './visible-tree.ts';

export interface ContextOptions {
  /** For messages. @default 'the build context' */
  readonly name?: string | undefined;
  /** The directory that is the build context. */
  readonly root: string;
  /** Chooses `<Dockerfile>.dockerignore`; undefined where there is no Dockerfile (standard input, a named context). */
  readonly dockerfilePath?: string | undefined;
  /** False: an ignore file is a file like any other. @default true */
  readonly ignores?: boolean | undefined;
  /** Where the stat index is kept between builds; undefined: nowhere. */
  readonly index?: IndexFile | undefined;
  readonly addon: NativeAddon;
  readonly signal?: AbortSignal | undefined;
}

export interface SelectOptions {
  /** Value of `--chmod`: the digest is then of the permission bits that it makes. */
  readonly chmod?: string | undefined;
  /** Values of `--exclude`. */
  readonly exclude?: readonly string[] | undefined;
  /** `--parents`. */
  readonly parents?: boolean | undefined;
  /** `mounted`: sources are plain paths, and the attributes of a directory itself count. @default 'copied' */
  readonly as?: SelectedAs | undefined;
  /** Where in the Dockerfile, for errors. */
  readonly span?: SourceSpan | undefined;
}

/** A build context, listed once when it is opened: every step sees the same list of files. */
export interface BuildContext {
  /** Absolute, without symlinks. */
  readonly root: string;
  /** Path of the ignore file; undefined: there is none. */
  readonly ignoreFile: string | undefined;
  /** What the ignore file says. */
  readonly rules: IgnoreRules;
  /** The digest that `select` would have. Reads no file, and decodes nothing, when nothing has changed since the index was saved. */
  digest(sources: readonly string[], options?: SelectOptions): Promise<Memo>;
  /** Of sources that take no file because all that they mean is ignored: a sentence each, with the line. Throws as `select`. */
  hidden(sources: readonly string[], options?: SelectOptions): Promise<readonly string[]>;
  /** Which files the sources of a COPY or ADD name. Throws `TBUILD_SOURCE_NOT_FOUND`; `TBUILD_CONTEXT` for what cannot be read. */
  select(sources: readonly string[], options?: SelectOptions): Promise<Selection>;
  /** The same files without reading any. */
  list(sources: readonly string[], options?: SelectOptions): readonly ListedItem[];
  /** Keeps what was learned for the next build; writes nothing when that is nothing. */
  save(): Promise<void>;
}

/** Throws `TBUILD_CONTEXT` when the root is no directory that can be listed or the ignore file is malformed. */
export async function openContext(options: ContextOptions): Promise<BuildContext> {
  const { index, signal, addon, name: contextName = 'the build context' } = options;
  const root = await realDirectory(options.root);
  const ignoreFile = options.ignores === false ? noIgnoreFile : await readIgnoreFile(root, options.dockerfilePath);
  const rules = compileIgnoreRules(ignoreFile);
  const name = indexName(root, ignoreFile.path);
  const [buffer, stored] = await Promise.all([scanContext(addon, root, rules.toPruneRules()), index?.read(name)]);
  signal?.throwIfAborted();
  const earlier = stored && decodeIndex(stored);
  const isUnchanged = earlier?.scan.equals(buffer) === true;
  const rulesKey = sha256Hex(rules.key);
  const memos = new Map(isUnchanged && earlier.rulesKey === rulesKey ? earlier.memos : []);
  let hasNewMemo = false;

  let listing: Listing | undefined;
  const list = (): Listing => (listing ??= openListing({ addon, root, rules, buffer, earlier, isUnchanged }));
  /** Selections of this build: several steps may ask for the same sources. */
  const selections = new Map<string, Promise<Selected>>();

  const match = (sources: readonly string[], options: SelectOptions): Matched => {
    const { exclude = [], parents = false, as = 'copied', span } = options;
    const { tree, digests } = list();
    const followed: number[] = [];
    const readLink = (record: number): string => {
      followed.push(record);
      return digests.link(record);
    };
    const finder: SourceFinder<number> = {
      tree: contextTree(tree, readLink),
      notFound: (source, path, reason) =>
        sourceNotFound({ contextName, root, tree, rules, source, path, reason, span }),
      exclude,
      parents,
      literal: as === 'mounted',
      span,
    };
    const bySource = sources.map((source) => {
      return { source, matched: findSource(finder, source).map((found) => recordsOf(tree, found)) };
    });
    const matched = bySource.flatMap((each) => each.matched);
    const isFile = (record: number): boolean => !isDirectory(tree.scan.mode(record));
    const isWhole = as === 'copied' && !parents && exclude.length === 0 && rules.key !== '';
    const empty = isWhole ? bySource.filter((each) => !each.matched.some(({ records }) => records.some(isFile))) : [];
    return { tree, finder, matched, followed, empty };
  };
  const select = async (sources: readonly string[], options: SelectOptions): Promise<Selected> => {
    const { chmod, as = 'copied' } = options;
    const { digests } = list();
    const found = match(sources, options);
    const { tree, matched, followed } = found;
    const hidden = found.empty.length === 0 ? [] : await explainEmpty({ root, rules }, found);
    const records = matched.flatMap((each) => each.records);
    await digests.read(records, signal);
    const selection = digestSelection(buildItems(root, tree, digests, matched), { chmod, as });
    const isSettled = ![followed, records].some((some) => some.some((record) => digests.isFresh(record)));
    // What nobody would see in the digest has to be said in every build.
    return { selection, hidden, isSettled: isSettled && hidden.length === 0 };
  };
  const selectOnce = (sources: readonly string[], selectOptions: SelectOptions): Promise<Selected> => {
    const key = memoKey(sources, selectOptions);
    let selection = selections.get(key);
    if (selection === undefined) {
      selection = select(sources, selectOptions);
      selections.set(key, selection);
      // A later step may ask again, with its own place in the Dockerfile.
      selection.catch(() => selections.delete(key));
    }
    return selection;
  };

  return {
    root,
    ignoreFile: ignoreFile.path,
    rules,
    hidden: async (sources, selectOptions = {}) =>
      memos.has(memoKey(sources, selectOptions)) ? [] : (await selectOnce(sources, selectOptions)).hidden,
    async digest(sources, selectOptions = {}) {
      const key = memoKey(sources, selectOptions);
      const known = memos.get(key);
      if (known !== undefined) return known;
      const { selection, isSettled } = await selectOnce(sources, selectOptions);
      const memo = summarize(selection);
      if (isSettled) {
        memos.set(key, memo);
        hasNewMemo = true;
      }
      return memo;
    },
    select: async (sources, selectOptions = {}) => (await selectOnce(sources, selectOptions)).selection,
    list(sources, selectOptions = {}) {
      const { tree, matched } = match(sources, selectOptions);
      return listItems(tree, matched);
    },
    async save() {
      if (index === undefined || listing === undefined) return;
      if (!hasNewMemo && !listing.digests.hasLearned()) return;
      hasNewMemo = false;
      await index.write(name, encodeIndex({ scan: buffer, knowledge: listing.knowledge, rulesKey, memos }));
    },
  };
}

interface Matched {
  readonly tree: VisibleTree;
  readonly matched: readonly MatchedRecords[];
  /** Links on the way. */
  readonly followed: readonly number[];
  readonly finder: SourceFinder<number>;
  /** Sources that took no file, maybe because all that they mean is ignored. */
  readonly empty: readonly { readonly source: string; readonly matched: readonly MatchedRecords[] }[];
}

async function explainEmpty(
  context: { readonly root: string; readonly rules: IgnoreRules },
  { finder, empty }: Matched,
): Promise<readonly string[]> {
  const { explainHidden } = await import('./hidden-source.ts');
  return empty.flatMap(({ source, matched }) => {
    const matches = matched.map(({ match }) => finder.tree.path(match.node));
    return explainHidden(context, finder, { source, matches }) ?? [];
  });
}

interface Selected {
  readonly selection: Selection;
  readonly hidden: readonly string[];
  /** Nothing that it depends on can change without the next scan showing so. */
  readonly isSettled: boolean;
}

interface Listing {
  readonly tree: VisibleTree;
  readonly digests: FileDigests;
  readonly knowledge: StatIndex['knowledge'];
}

function openListing(context: {
  readonly addon: NativeAddon;
  readonly root: string;
  readonly rules: IgnoreRules;
  readonly buffer: Buffer;
  readonly earlier: StatIndex | undefined;
  readonly isUnchanged: boolean;
}): Listing {
  const { addon, root, rules, earlier } = context;
  const scan = openScan(context.buffer);
  const knowledge = earlier !== undefined && context.isUnchanged ? earlier.knowledge : carryOver(earlier, scan);
  return {
    tree: createVisibleTree(scan, rules),
    digests: createFileDigests({ addon, root, scan, knowledge }),
    knowledge,
  };
}

function summarize({ digest, items }: Selection): Memo {
  let files = 0;
  let bytes = 0;
  for (const { entries } of items) {
    for (const entry of entries) {
      if (entry.type !== 'directory') files++;
      if (entry.type === 'file') bytes += entry.size;
    }
  }
  return { digest, files, bytes, matches: items.length };
}

function memoKey(sources: readonly string[], { chmod, exclude = [], parents = false, as }: SelectOptions): string {
  return JSON.stringify([modesKey(chmod), exclude, as === 'mounted' ? as : parents, ...sources]);
}

/** Builds of one directory under different ignore files see different trees, so each has its index. */
function indexName(root: string, ignoreFile: string | undefined): string {
  return sha256Hex(`${root}\0${ignoreFile ?? ''}`);
}

async function realDirectory(root: string): Promise<string> {
  try {
    if ((await stat(root)).isDirectory()) return await realpath(root);
  } catch (cause) {
    throw new TbuildError('TBUILD_CONTEXT', `the build context ${root} cannot be used: ${(cause as Error).message}`, {
      cause,
      hint: 'give the path of an existing directory',
    });
  }
  throw new TbuildError('TBUILD_CONTEXT', `the build context ${root} is not a directory`, {
    hint: 'give the directory that holds the files to copy; the Dockerfile goes behind -f',
  });
}
