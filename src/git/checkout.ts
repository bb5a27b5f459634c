import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { TbuildError } from '../errors.ts';
import { isFullCommit } from './git-url.ts';
import { verified } from './resolve-commit.ts';
import type { ResolvedCommit } from './resolve-commit.ts';
import { createGit } from './run-git.ts';
import type { Git, GitAccess } from './run-git.ts';

export interface Checkout {
  /** The directory with the files. */
  readonly tree: string;
  readonly commit: string;
  /** Seconds since the epoch. */
  readonly commitTime: number;
}

/**
 * Fetches one commit, not its history, and lays out its files and those of its submodules in `directory`, which is empty.
 * @param wanted undefined: the source names a commit by its first digits
 * @param keepGitDir leaves `.git` among the files
 */
export async function checkOut(
  access: GitAccess,
  wanted: ResolvedCommit | undefined,
  { directory, keepGitDir }: { readonly directory: string; readonly keepGitDir: boolean },
): Promise<Checkout> {
  const { source } = access;
  const tree = join(directory, 'tree');
  await mkdir(tree);
  const git = createGit(access, { gitDir: keepGitDir ? join(tree, '.git') : join(directory, 'git'), workTree: tree });
  await git.run(['init', '--quiet', '--template=']);
  // Relative URLs of submodules are relative to it.
  await git.run(['config', 'remote.origin.url', source.remote]);
  const commit = await fetchCommit(git, access, wanted);
  await git.run(['checkout', '--quiet', '--force', '--detach', commit, '--']);
  if (source.submodules && existsSync(join(tree, '.gitmodules'))) {
    await git.run(['submodule', '--quiet', 'update', '--init', '--recursive', '--depth=1']);
  }
  const commitTime = Number((await git.run(['show', '--no-patch', '--format=%ct', commit, '--'])).trim());
  return { tree, commit, commitTime };
}

async function fetchCommit(git: Git, access: GitAccess, wanted: ResolvedCommit | undefined): Promise<string> {
  const { source } = access;
  if (wanted === undefined) return verified(source, ...(await completed(git, access)));
  const { commit, ref } = wanted;
  const named = await fetchRef(git, access, wanted);
  if (named?.includes(commit) === true) return nameOfCommit(git, commit);
  if (named !== undefined && isFullCommit(source.checksum)) return verified(source, commit, named);
  if (await fetches(git, access, [`+${commit}:refs/tbuild/commit`], ['--depth=1'])) return nameOfCommit(git, commit);
  // A server that gives no single commits, or a ref that has moved since it was asked.
  await git.run([
    'fetch',
    '--quiet',
    '--force',
    '--',
    source.remote,
    ...everything,
    ...(ref === undefined ? [] : [ref]),
  ]);
  return nameOfCommit(git, commit);
}

const everything = ['+refs/heads/*:refs/remotes/origin/*', '+refs/tags/*:refs/tags/*'] as const;

/** Fetches the ref by its name: the objects that it is, a tag first. Undefined: it is not to be fetched so. */
async function fetchRef(git: Git, access: GitAccess, { ref }: ResolvedCommit): Promise<readonly string[] | undefined> {
  if (ref === undefined || access.source.fetchByCommit) return undefined;
  const candidates = ref.startsWith('refs/') || ref === 'HEAD' ? [ref] : [`refs/heads/${ref}`, `refs/tags/${ref}`, ref];
  for (const name of candidates) {
    if (!(await fetches(git, access, [`+${name}:${localName(name)}`], ['--depth=1']))) continue;
    const object = (await git.run(['rev-parse', '--verify', '--end-of-options', localName(name)])).trim();
    return [await nameOfCommit(git, object), object];
  }
  return undefined;
}

function localName(ref: string): string {
  if (ref.startsWith('refs/heads/')) return `refs/remotes/origin/${ref.slice('refs/heads/'.length)}`;
  return ref.startsWith('refs/') ? ref : `refs/tbuild/${ref}`;
}

/** False when the server does not have it, or does not give it. */
async function fetches(
  git: Git,
  { source, signal }: GitAccess,
  refspecs: readonly string[],
  options: readonly string[],
): Promise<boolean> {
  try {
    await git.run(['fetch', '--quiet', '--no-tags', '--force', ...options, '--', source.remote, ...refspecs]);
    return true;
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof TbuildError && error.code === 'TBUILD_GIT' && isRefusal(error)) return false;
    throw error;
  }
}

/** What servers answer when they are reached, and do not give what was asked for. */
function isRefusal({ details }: TbuildError): boolean {
  return /couldn't find remote ref|not our ref|no such remote ref|unadvertised object|does not advertise|invalid refspec/i.test(
    String(details['stderr']),
  );
}

/** A commit whose first digits are known: all is fetched, and then it is looked for. */
async function completed(git: Git, { source }: GitAccess): Promise<[string, readonly string[]]> {
  await git.run(['fetch', '--quiet', '--force', '--', source.remote, ...everything]);
  const commit = await nameOfCommit(git, source.ref ?? 'HEAD');
  return [commit, [commit]];
}

/** All digits of the commit that something is or points to. */
async function nameOfCommit(git: Git, object: string): Promise<string> {
  return (await git.run(['rev-parse', '--verify', '--end-of-options', `${object}^{commit}`])).trim();
}
