import { lstat, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { checkOut } from '../../git/checkout.ts';
import type { Checkout } from '../../git/checkout.ts';
import { isFullCommit, shownGitSource } from '../../git/git-url.ts';
import type { GitSource } from '../../git/git-source.ts';
import { resolveCommit } from '../../git/resolve-commit.ts';
import type { ResolvedCommit } from '../../git/resolve-commit.ts';
import { createGit } from '../../git/run-git.ts';
import type { GitAccess } from '../../git/run-git.ts';
import { openContext } from '../../context/open-context.ts';
import { TbuildError } from '../../errors.ts';
import { loadAddon } from '../../native/load.ts';
import { sha256Hex } from '../../native/sha256.ts';
import { staticKey } from '../../cache/key.ts';
import type { Job } from '../../store/types.ts';
import type { BuildAccess } from '../access.ts';
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
export function gitSource(build: BuildAccess, request: GitSourceRequest): TransferSource {
  const { source, keepGitDir } = request;
  const shown = shownGitSource(source);
  let resolving: Promise<string> | undefined;
  let selecting: Promise<Selected> | undefined;
  const identify = (): Promise<string> => (resolving ??= commitOf(build, source, async () => (await check()).commit));
  const check = (): Promise<Selected> => (selecting ??= select(build, request, shown));
  const { remote, subdir, submodules, mtime } = source;
  // A `.git` that is kept names the repository.
  const place = keepGitDir ? remote : false;
  const choices = submodules && mtime === 'checkout' ? [] : [submodules, mtime];
  const digestOf = (commit: string): string => sha256Hex(JSON.stringify(['git', commit, subdir, place, ...choices]));
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
async function commitOf(build: BuildAccess, source: GitSource, complete: () => Promise<string>): Promise<string> {
  const resolved = await withGitAccess(build, source, (access) => resolveOnce(build, access));
  if (resolved !== undefined) return resolved.commit;
  const commit = await complete();
  await build.store.addRecord(completedKey(source), { layer: null, commit }, () => true);
  return commit;
}

function completedKey({ remote, ref }: GitSource): string {
  return staticKey({ kind: 'git commit', remote, digits: ref });
}

async function resolve(build: BuildAccess, access: GitAccess): Promise<ResolvedCommit | undefined> {
  const resolved = await resolveCommit(createGit(access), access.source);
  if (resolved !== undefined) return resolved;
  const [value] = await build.store.readRecords(completedKey(access.source));
  const commit = (value as { readonly commit?: unknown } | null | undefined)?.commit;
  return typeof commit === 'string' && isFullCommit(commit) ? { commit, ref: undefined } : undefined;
}

/** Per build: steps of several stages may name the same repository. */
const known = new WeakMap<BuildAccess['options'], Map<string, Promise<ResolvedCommit | undefined>>>();

function resolveOnce(build: BuildAccess, access: GitAccess): Promise<ResolvedCommit | undefined> {
  const resolved = known.get(build.options) ?? new Map<string, Promise<ResolvedCommit | undefined>>();
  known.set(build.options, resolved);
  const { remote, ref = '', checksum = '' } = access.source;
  const key = JSON.stringify([remote, ref, checksum]);
  const resolving = resolved.get(key) ?? resolve(build, access);
  resolved.set(key, resolving);
  resolving.catch(() => resolved.delete(key));
  return resolving;
}

interface Selected {
  readonly commit: string;
  readonly set: SourceSet;
  readonly job: Job;
}

async function select(build: BuildAccess, request: GitSourceRequest, shown: string): Promise<Selected> {
  const { source, keepGitDir } = request;
  const job = await build.store.createJob();
  try {
    const checkout = await withGitAccess(build, source, async (access) => {
      const directory = await mkdtemp(join(job.path, 'checkout-'));
      return checkOut(access, await resolveOnce(build, access), { directory, keepGitDir });
    });
    return { commit: checkout.commit, set: await filesOf(build, request, { checkout, shown }), job };
  } catch (error) {
    await job[Symbol.asyncDispose]();
    throw error;
  }
}

async function filesOf(
  build: BuildAccess,
  request: GitSourceRequest,
  { checkout, shown }: { readonly checkout: Checkout; readonly shown: string },
): Promise<SourceSet> {
  const { source, keepGitDir, exclude } = request;
  const { subdir, mtime } = source;
  const context = await openContext({
    root: checkout.tree,
    ignores: false,
    addon: loadAddon(),
    signal: build.signal,
  });
  const files = contextSource(context, {
    ...request,
    origin: shown,
    sources: [subdir === '' ? '.' : literal(subdir)],
    // Submodules have a `.git` of their own, which names a directory of this machine.
    exclude: keepGitDir ? exclude : [...exclude, '**/.git'],
    parents: false,
  });
  await requireDirectory(source, checkout);
  const set = await files.select();
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

/** No link is followed on the way, as in docker (GHSA-49p4-px3h-rq49). */
async function requireDirectory({ remote, subdir }: GitSource, { tree, commit }: Checkout): Promise<void> {
  let path = '';
  for (const part of subdir === '' ? [] : subdir.split('/')) {
    path = join(path, part);
    const stats = await lstat(join(tree, path)).catch(() => undefined);
    if (stats?.isDirectory() === true) continue;
    const why = stats === undefined ? 'it is not there' : `${path} is ${stats.isSymbolicLink() ? 'a link' : 'a file'}`;
    throw new TbuildError(
      'TBUILD_GIT',
      `${remote} has no directory ${subdir} at commit ${commit.slice(0, 12)}: ${why}`,
      {
        hint:
          stats?.isSymbolicLink() === true
            ? 'Give the directory that it leads to.'
            : 'Check the part behind #, or the query.',
      },
    );
  }
}
