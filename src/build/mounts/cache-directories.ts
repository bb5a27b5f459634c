import { staticKey } from '../../cache/key.ts';
import { cacheMountNamespaceArgument } from '../../dockerfile/predefined-args.ts';
import type { WriteEntry } from '../../native/helper-types.ts';
import type { SandboxMount } from '../../sandbox/mounts.ts';
import type { CacheMountRequest } from '../../store/types.ts';
import type { Cleanup } from '../../util/cleanup.ts';
import type { Session } from '../session.ts';
import { treePath } from '../sources/kept-tree.ts';
import type { StepRun } from '../step-run.ts';
import { toWriteEntry } from '../transfer/plan-copy.ts';
import type { SourceSet } from '../transfer/source.ts';
import type { PlannedMount } from './plan-mounts.ts';

type CachePlan = Extract<PlannedMount, { readonly type: 'cache' }>;

/** The directories of a step's cache mounts, locked until they are released by `cleanup`. */
export async function openCacheMounts(
  session: Session,
  run: StepRun,
  { mounts, cleanup }: { readonly mounts: readonly CachePlan[]; readonly cleanup: Cleanup },
): Promise<readonly SandboxMount[]> {
  const namespace = session.options.buildArgs[cacheMountNamespaceArgument] ?? '';
  const byKey = new Map<string, CachePlan[]>();
  for (const mount of mounts) {
    const key = cacheKey(namespace, mount);
    byKey.set(key, [...(byKey.get(key) ?? []), mount]);
  }
  const opened: SandboxMount[] = [];
  // In one order for everybody, so that no two steps wait for each other.
  for (const key of [...byKey.keys()].sort()) {
    const users = byKey.get(key) ?? [];
    const [first] = users;
    if (first === undefined) continue;
    const wait = announceWait(session, run, first.id);
    const use = await run
      .waitFor(
        session.store.useCacheMount({
          key,
          sharing: strictest(users),
          about: { id: first.id, namespace, created: Date.now() },
          make: (directory) => makeDirectory(session, first, directory),
          onWait: wait.start,
          signal: session.signal,
        }),
      )
      .finally(wait.stop);
    cleanup.defer(use.release);
    for (const mount of users) {
      const { target, readonly } = mount;
      opened.push({ type: 'bind', source: use.directory, path: pathOf(mount), target, writable: !readonly });
    }
  }
  return opened;
}

/** Cache mounts are the same when namespace, id and what they start as are the same (as in docker, but that there a part of a stage is no other start than the whole). */
function cacheKey(namespace: string, mount: CachePlan): string {
  const { id, first, source, mode = null, uid = null, gid = null } = mount;
  const start = { first: first?.digest, path: first === undefined ? undefined : source };
  return staticKey({
    kind: 'cache mount',
    namespace,
    id,
    ...start,
    owner: isOwned(mount) ? { mode, uid, gid } : undefined,
  });
}

/** Mode and owner are those of the directory that is made, where no part of it is asked for. */
function isOwned({ source, mode, uid, gid }: CachePlan): boolean {
  const isWhole = source === '' || source === '/' || source === '.';
  return isWhole && (mode !== undefined || uid !== undefined || gid !== undefined);
}

function strictest(users: readonly CachePlan[]): CacheMountRequest['sharing'] {
  const wanted = new Set(users.map(({ sharing }) => sharing));
  const [only] = wanted;
  return wanted.size === 1 && only !== undefined ? only : 'locked';
}

function pathOf(mount: CachePlan): string {
  if (isOwned(mount)) return '';
  return mount.first === undefined ? mount.source : treePath;
}

/** As docker has it: what is taken from a stage comes with its owners, and is not there where the mount names an owner itself. */
async function makeDirectory({ helper, signal }: Session, mount: CachePlan, directory: string): Promise<void> {
  const { mode = 0o755, uid = 0, gid = 0, first } = mount;
  const rootAttributes = { mode, uid, gid, xattrs: {} };
  const set = first === undefined || isOwned(mount) ? undefined : await first.source.select();
  await helper.write(
    { diff: directory, rootAttributes, tar: false, sources: set?.roots ?? [], signal },
    set === undefined ? [] : entriesOf(set),
  );
}

function* entriesOf({ items }: SourceSet): Generator<WriteEntry, void, undefined> {
  for (const { entries } of items) {
    for (const entry of entries) {
      const path = entry.path === '' ? treePath : `${treePath}/${entry.path}`;
      yield toWriteEntry(path, entry, { ownership: { owner: undefined, chmod: undefined }, base: treePath });
    }
  }
}

const patienceMs = 1000;

/** Who waits for long is told what for. */
function announceWait(
  { emit }: Session,
  { step }: StepRun,
  id: string,
): { readonly start: () => void; readonly stop: () => void } {
  let timer: NodeJS.Timeout | undefined;
  return {
    start() {
      timer = setTimeout(() => {
        const message = `waiting for the cache mount ${id}, which another step or build uses`;
        emit({ type: 'warning', code: 'TBUILD_WARN_CACHE_MOUNT_IN_USE', message, span: step.span });
      }, patienceMs);
    },
    stop: () => clearTimeout(timer),
  };
}
