import { dirname, join } from 'node:path';
import { staticKey } from '../../cache/key.ts';
import { asMountedFiles } from '../../cache/mounted-files.ts';
import type { MountedFiles } from '../../cache/mounted-files.ts';
import type { EarlierLayer, WriteEntry } from '../../native/helper-types.ts';
import type { LayerId, Store } from '../../store/types.ts';
import type { Session } from '../session.ts';
import type { StepRun } from '../step-run.ts';
import type { TransferSource } from '../steps/copy-step.ts';
import { toWriteEntry } from '../transfer/plan-copy.ts';
import type { SourceSet } from '../transfer/source.ts';

/** Files of a context as a command sees them in a mount. */
export interface ContextTree {
  readonly layer: LayerId;
  /** What the files turned out to be: they may have changed since they were listed. */
  readonly digest: string;
}

/** Where in its layer the tree is, or the one file that it may be. */
export const treePath = 'files';

const making = new WeakMap<Session, Map<string, Promise<ContextTree>>>();

/**
 * A copy of the files as a layer of the store, which is kept and found by their digest: what .dockerignore leaves out is not in it, all belongs to root, and nobody's change reaches it
 * (docs/decisions/0010-context-mounts.md). Files that the last build's copy has too are hard links to it.
 */
export function contextTree(
  session: Session,
  run: StepRun,
  request: { readonly source: TransferSource; readonly digest: string; readonly digestBefore: string | undefined },
): Promise<ContextTree> {
  const known = making.get(session) ?? new Map<string, Promise<ContextTree>>();
  making.set(session, known);
  let tree = known.get(request.digest);
  if (tree === undefined) {
    tree = findOrMake(session, run, request);
    known.set(request.digest, tree);
    tree.catch(() => undefined);
  }
  return tree;
}

async function findOrMake(
  session: Session,
  run: StepRun,
  { source, digest, digestBefore }: Parameters<typeof contextTree>[2],
): Promise<ContextTree> {
  const { store, helper, signal } = session;
  const stored = await findTree(store, digest);
  if (stored !== undefined) return { layer: stored, digest };
  const set = await source.select();
  const { keepFiles } = await import('../kept-files.ts');
  const reuse = digestBefore === undefined ? undefined : await earlierTree(store, digestBefore);
  await using job = await store.createJob();
  const origins: Origins = new Map();
  const written = helper.write(
    {
      diff: job.diff,
      rootAttributes: { mode: 0o755, uid: 0, gid: 0, xattrs: {} },
      tar: false,
      sources: set.roots,
      signal,
      reuse,
      onProgress: (bytes) => run.progress('files', bytes, undefined),
    },
    treeEntries(set, origins),
  );
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
  const { id } = await job.commitLayer(diff);
  const record: MountedFiles = { layer: id, created: Date.now(), mounted: source.origin };
  await store.addRecord(treeKey(final.digest), record, () => true);
  return { layer: id, digest: final.digest };
}

function treeKey(digest: string): string {
  return staticKey({ kind: 'mounted files', digest });
}

async function findTree(store: Store, digest: string): Promise<LayerId | undefined> {
  for (const record of await store.readRecords(treeKey(digest))) {
    const layer = asMountedFiles(record)?.layer;
    if (layer !== undefined && (await store.lease([layer]))[0] === true) return layer;
  }
  return undefined;
}

async function earlierTree(store: Store, digest: string): Promise<EarlierLayer | undefined> {
  const layer = await findTree(store, digest);
  if (layer === undefined) return undefined;
  const diff = store.diffDirectory(layer);
  return { diff, listing: join(dirname(diff), 'listing') };
}

/** The context's own directory looks the same in every mount, as in docker. */
const contextMode = 0o755;

/** Which root of the sources, and where in it, by path in the tree. */
type Origins = Map<string, { readonly root: number; readonly path: string }>;

function* treeEntries({ items }: SourceSet, origins: Origins): Generator<WriteEntry, void, undefined> {
  for (const { name, entries } of items) {
    for (const entry of entries) {
      const path = entry.path === '' ? treePath : `${treePath}/${entry.path}`;
      const isContext = entry.path === '' && entry.type === 'directory' && name === '';
      const shown = isContext ? { ...entry, mode: contextMode } : entry;
      const written = toWriteEntry(path, shown, {
        ownership: { owner: undefined, chmod: undefined },
        base: treePath,
      });
      if (written.type === 'file' && written.content.kind === 'copy') {
        origins.set(path, { root: written.content.source, path: written.content.path });
      }
      yield written;
    }
  }
}
