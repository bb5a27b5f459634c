import { dirname, join } from 'node:path';
import { staticKey } from '../../cache/key.ts';
import { asTreeRecord } from '../../cache/tree-record.ts';
import type { TreeRecord, TreeUse } from '../../cache/tree-record.ts';
import type { CommittedDiff, EarlierLayer, WriteEntry } from '../../native/helper-types.ts';
import { digestFromHex } from '../../oci/digest.ts';
import type { Digest } from '../../oci/digest.ts';
import type { Job, LayerState, Store } from '../../store/types.ts';
import type { BuildAccess } from '../access.ts';
import type { Tell } from '../paced.ts';
import type { TransferSource } from '../steps/copy-step.ts';
import { toWriteEntry } from '../transfer/plan-copy.ts';
import type { SourceItem, SourceSet } from '../transfer/source.ts';

export interface TreeRequest {
  readonly source: TransferSource;
  readonly digest: string;
  /** Files that the tree with this digest has too become hard links to it. */
  readonly digestBefore?: string | undefined;
  readonly use: TreeUse;
  readonly tell: Tell;
}

export interface KeptTree extends LayerState {
  /** What the files turned out to be: they may have changed since they were listed. */
  readonly digest: string;
  /** Of a base. */
  readonly diffId: Digest | undefined;
}

/** Where in its layer a mounted tree is, or the one file that it may be. */
export const treePath = 'files';

const making = new WeakMap<BuildAccess['options'], Map<string, Promise<KeptTree>>>();

/**
 * Files of a context, a repository or a URL as a layer of the store, which is kept and found by their digest: nobody's change reaches it, and of a directory it has what .dockerignore leaves
 * (docs/decisions/0010-context-mounts.md).
 */
export function keptTree(access: BuildAccess, request: TreeRequest): Promise<KeptTree> {
  const known = making.get(access.options) ?? new Map<string, Promise<KeptTree>>();
  making.set(access.options, known);
  const key = keyOf(access, request.use, request.digest);
  let tree = known.get(key);
  if (tree === undefined) {
    tree = findOrMake(access, request);
    known.set(key, tree);
    tree.catch(() => undefined);
  }
  return tree;
}

async function findOrMake(access: BuildAccess, request: TreeRequest): Promise<KeptTree> {
  const { store } = access;
  const { source, digest, digestBefore, use } = request;
  const stored = await findTree(store, keyOf(access, use, digest));
  if (stored !== undefined) return { ...stored, digest };
  const set = await source.select();
  const { keepFiles } = await import('../kept-files.ts');
  const reuse = digestBefore === undefined ? undefined : await earlierTree(access, use, digestBefore);
  await using job = await store.createJob();
  const origins: Origins = new Map();
  const written = writeTree(access, request, { job, set, origins, reuse });
  const [writing, kept] = await Promise.allSettled([written, keepFiles(store, digest, source.describe(set))]);
  if (writing.status === 'rejected') throw source.explain(writing.reason);
  if (kept.status === 'rejected') throw kept.reason;
  const diff = writing.value;
  const changed = diff.changed.map(({ path, sha256, size }) => ({
    ...(origins.get(path) ?? { root: 0, path }),
    sha256,
    size,
  }));
  const final = changed.length > 0 ? await source.withChanges(set, changed) : set;
  if (final !== set) await keepFiles(store, final.digest, source.describe(final));
  const tree = await commitTree(store, job, {
    diff,
    use,
    origin: source.origin,
    key: keyOf(access, use, final.digest),
  });
  return { ...tree, digest: final.digest };
}

interface Writing {
  readonly job: Job;
  readonly set: SourceSet;
  readonly origins: Origins;
  readonly reuse: EarlierLayer | undefined;
}

function writeTree(
  { helper, signal, options }: BuildAccess,
  { use, tell }: TreeRequest,
  { job, set, origins, reuse }: Writing,
): Promise<CommittedDiff> {
  return helper.write(
    {
      diff: job.diff,
      rootAttributes: { mode: 0o755, uid: 0, gid: 0, xattrs: {} },
      ...(use === 'base' ? { epoch: options.epoch } : { tar: false }),
      sources: set.roots,
      signal,
      reuse,
      onProgress: (bytes) => tell('files', bytes, undefined),
    },
    treeEntries(set, use, origins),
  );
}

type StoredTree = Omit<KeptTree, 'digest'>;

/** Makes what was written a layer of the store that is found by its key. */
export async function commitTree(
  store: Store,
  job: Job,
  {
    diff,
    key,
    use,
    origin,
  }: Pick<TreeRecord, 'use' | 'origin'> & { readonly diff: CommittedDiff; readonly key: string },
): Promise<StoredTree> {
  const { id: layer } = await job.commitLayer(diff);
  const { state } = diff;
  const diffId = diff.diffId === undefined ? undefined : digestFromHex(diff.diffId);
  const record: TreeRecord = { layer, state, use, diffId, origin, created: Date.now() };
  await store.addRecord(key, record, () => true);
  return { layer, state, diffId };
}

/** Leased. */
export async function findTree(store: Store, key: string): Promise<StoredTree | undefined> {
  for (const value of await store.readRecords(key)) {
    const record = asTreeRecord(value);
    if (record === undefined || (await store.lease([record.layer]))[0] !== true) continue;
    const { layer, state, diffId } = record;
    return { layer, state, diffId };
  }
  return undefined;
}

function keyOf({ options: { epoch } }: BuildAccess, use: TreeUse, digest: string): string {
  const kinds = { mounted: 'mounted files', context: 'context', base: 'base' } as const;
  return staticKey({ kind: kinds[use], digest, ...(use === 'base' && epoch !== undefined ? { epoch } : {}) });
}

async function earlierTree(access: BuildAccess, use: TreeUse, digest: string): Promise<EarlierLayer | undefined> {
  const tree = await findTree(access.store, keyOf(access, use, digest));
  if (tree === undefined) return undefined;
  const diff = access.store.diffDirectory(tree.layer);
  return { diff, listing: join(dirname(diff), 'listing') };
}

/** The context's own directory looks the same in every mount, as in docker. */
const contextMode = 0o755;

/** Which root of the sources, and where in it, by path in the tree. */
type Origins = Map<string, { readonly root: number; readonly path: string }>;

function* treeEntries({ items }: SourceSet, use: TreeUse, origins: Origins): Generator<WriteEntry, void, undefined> {
  for (const item of items) {
    const base = placeOf(item, use);
    for (const entry of item.entries) {
      const path = [base, entry.path].filter((part) => part !== '').join('/');
      // The root has the attributes that a root has.
      if (path === '') continue;
      const isContext = entry.path === '' && entry.type === 'directory' && item.name === '';
      const shown = isContext ? { ...entry, mode: contextMode } : entry;
      const written = toWriteEntry(path, shown, { ownership: { owner: undefined, chmod: undefined }, base });
      if (written.type === 'file' && written.content.kind === 'copy') {
        origins.set(path, { root: written.content.source, path: written.content.path });
      }
      yield written;
    }
  }
}

function placeOf({ name, entries }: SourceItem, use: TreeUse): string {
  if (use === 'mounted') return treePath;
  return entries[0]?.type === 'directory' ? '' : name;
}
