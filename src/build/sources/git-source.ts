import { checkOut } from '../../git/checkout.ts';
import type { Checkout } from '../../git/checkout.ts';
import { isFullCommit, shownGitSource } from '../../git/git-url.ts';
import type { GitSource } from '../../git/git-source.ts';
import { resolveCommit } from '../../git/resolve-commit.ts';
import type { ResolvedCommit } from '../../git/resolve-commit.ts';
import { createGit } from '../../git/run-git.ts';
import type { GitAccess } from '../../git/run-git.ts';
import { openContext } from '../../context/open-context.ts';
import { TbuildError, isTbuildError } from '../../errors.ts';
import { loadAddon } from '../../native/load.ts';
import { sha256Hex } from '../../native/sha256.ts';
import { staticKey } from '../../cache/key.ts';
import type { Job } from '../../store/types.ts';
import type { Session } from '../session.ts';
import type { TransferSource } from '../steps/copy-step.ts';
import type { SourceEntry, SourceSet } from '../transfer/source.ts';
import { contextSource } from './context-source.ts';
import { withGitAccess } from './git-access.ts';
import type { SourceRequest } from './source-request.ts';

export interface GitSourceRequest extends Omit<SourceRequest, 'origin' | 'sources' | 'parents'> {
  readonly source: GitSource;
  readonly keepGitDir: boolean;
}

/**
 * Files of a git repository. The commit that its ref stands for is asked of the server on each build, and is what the result depends on; it is fetched only when a step needs it.
 * Files are 0644 or 0755 (as docker build).
 */
export function gitSource(session: Session, request: GitSourceRequest): TransferSource {
  const { source, keepGitDir } = request;
  const shown = shownGitSource(source);
  let resolving: Promise<string> | undefined;
  let selecting: Promise<Selected> | undefined;
  const identify = (): Promise<string> => (resolving ??= commitOf(session, source, async () => (await check()).commit));
  const check = (): Promise<Selected> => (selecting ??= select(session, request, shown));
  const digestOf = (commit: string): string => sha256Hex(JSON.stringify(['git', commit, source.subdir, keepGitDir]));
  return {
    origin: shown,
    digest: async () => digestOf(await identify()),
    remote: async () => ({ [`the commit of ${shown}`]: await identify() }),
    async select() {
      const { commit, set } = await check();
      return { ...set, digest: digestOf(commit) };
    },
    withChanges: () => {
      throw new TbuildError('TBUILD_STORE_CORRUPT', `the files of ${shown} were changed while they were copied`, {
        hint: 'Something has written into the store: build again.',
      });
    },
    describe: () => `${encodeURI(shown)} g -\n`,
    explain: (error) => error,
    release: async () => (await selecting?.catch(() => undefined))?.job[Symbol.asyncDispose](),
  };
}

/** The commit, as the server says now. One that is named by its first digits is fetched to be completed, and remembered: it stays what it is. */
async function commitOf(session: Session, source: GitSource, complete: () => Promise<string>): Promise<string> {
  const resolved = await withGitAccess(session, source, (access) => resolveOnce(session, access));
  if (resolved !== undefined) return resolved.commit;
  const commit = await complete();
  await session.store.addRecord(completedKey(source), { layer: null, commit }, () => true);
  return commit;
}

function completedKey({ remote, ref }: GitSource): string {
  return staticKey({ kind: 'git commit', remote, digits: ref });
}

async function resolve(session: Session, access: GitAccess): Promise<ResolvedCommit | undefined> {
  const resolved = await resolveCommit(createGit(access), access.source);
  if (resolved !== undefined) return resolved;
  const [value] = await session.store.readRecords(completedKey(access.source));
  const commit = (value as { readonly commit?: unknown } | null | undefined)?.commit;
  return typeof commit === 'string' && isFullCommit(commit) ? { commit, ref: undefined } : undefined;
}

/** Per build: steps of several stages may name the same repository. */
const known = new WeakMap<Session, Map<string, Promise<ResolvedCommit | undefined>>>();

function resolveOnce(session: Session, access: GitAccess): Promise<ResolvedCommit | undefined> {
  const resolved = known.get(session) ?? new Map<string, Promise<ResolvedCommit | undefined>>();
  known.set(session, resolved);
  const { remote, ref = '', checksum = '' } = access.source;
  const key = JSON.stringify([remote, ref, checksum]);
  const resolving = resolved.get(key) ?? resolve(session, access);
  resolved.set(key, resolving);
  resolving.catch(() => resolved.delete(key));
  return resolving;
}

interface Selected {
  readonly commit: string;
  readonly set: SourceSet;
  readonly job: Job;
}

async function select(session: Session, request: GitSourceRequest, shown: string): Promise<Selected> {
  const { source, keepGitDir } = request;
  const job = await session.store.createJob();
  try {
    const checkout = await withGitAccess(session, source, async (access) =>
      checkOut(access, await resolveOnce(session, access), { directory: job.path, keepGitDir }),
    );
    return { commit: checkout.commit, set: await filesOf(session, request, { checkout, shown }), job };
  } catch (error) {
    await job[Symbol.asyncDispose]();
    throw error;
  }
}

async function filesOf(
  session: Session,
  request: GitSourceRequest,
  { checkout, shown }: { readonly checkout: Checkout; readonly shown: string },
): Promise<SourceSet> {
  const { source, keepGitDir, exclude } = request;
  const { subdir, mtime } = source;
  const context = await openContext({
    root: checkout.tree,
    ignores: false,
    addon: loadAddon(),
    signal: session.signal,
  });
  const files = contextSource(context, {
    ...request,
    origin: shown,
    sources: [subdir === '' ? '.' : literal(subdir)],
    // Submodules have a `.git` of their own, which names a directory of this machine.
    exclude: keepGitDir ? exclude : [...exclude, '**/.git'],
    parents: false,
  });
  const set = await files.select().catch((error: unknown) => {
    throw isTbuildError(error, 'TBUILD_SOURCE_NOT_FOUND') ? noDirectory(source, checkout, error) : error;
  });
  if (set.items[0]?.entries[0]?.type !== 'directory') throw noDirectory(source, checkout, undefined);
  const time = mtime === 'commit' ? checkout.commitTime : undefined;
  return {
    ...set,
    items: set.items.map((item) => ({
      ...item,
      unpack: false,
      entries: item.entries.map((entry) => asCommitted(entry, time)),
    })),
  };
}

/** A directory's name is no pattern. */
function literal(path: string): string {
  return path.replaceAll(/[[*?\\]/g, (character) => (character === '\\' ? '[\\\\]' : `[${character}]`));
}

/** git knows of a file's mode only whether it can be executed; the rest was this process's umask. */
function asCommitted(entry: SourceEntry, time: number | undefined): SourceEntry {
  const mode = entry.type === 'directory' || (entry.mode & 0o111) !== 0 ? 0o755 : 0o644;
  return { ...entry, mode, mtime: time ?? entry.mtime };
}

function noDirectory({ remote, subdir }: GitSource, { commit }: Checkout, cause: unknown): TbuildError {
  return new TbuildError('TBUILD_GIT', `${remote} has no directory ${subdir} at commit ${commit.slice(0, 12)}`, {
    cause,
    hint: 'Links in the repository are followed inside of it only.',
  });
}
