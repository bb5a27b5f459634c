import { TbuildError } from '../errors.ts';
import { isFullCommit } from './git-url.ts';
import type { GitSource } from './git-source.ts';
import type { Git } from './run-git.ts';

export interface ResolvedCommit {
  /** All its digits. */
  readonly commit: string;
  /** The full name of the ref that it was found under; undefined: it was asked for by itself. */
  readonly ref: string | undefined;
}

/**
 * The commit that a source stands for now, as the server says, without fetching anything. A commit that is named in full, or by `checksum`, is not asked for.
 * Undefined: a beginning of a commit's name, which only the repository itself can complete. Throws TBUILD_GIT.
 */
export async function resolveCommit(git: Git, source: GitSource): Promise<ResolvedCommit | undefined> {
  const { ref, checksum } = source;
  if (isFullCommit(ref)) return verified(source, { commit: ref, ref: undefined }, [ref]);
  // What the ref is will be seen when it is fetched.
  if (isFullCommit(checksum)) return { commit: checksum, ref };
  const found = pick(await listRefs(git, source), ref);
  if (found === undefined) {
    if (ref !== undefined && /^[0-9a-f]{7,}$/.test(ref)) return undefined;
    throw new TbuildError('TBUILD_GIT', `${source.remote} has no branch, tag or commit ${ref ?? 'HEAD'}`, {
      hint: 'Check the part behind #, or the query.',
    });
  }
  return verified(source, { commit: found.commit, ref: found.name }, [found.commit, found.object]);
}

/** Throws TBUILD_GIT when the checksum that the source gives is of none of the objects: the commit, and the tag that points to it. */
export function verified<T>(source: GitSource, result: T, objects: readonly string[]): T {
  const { checksum } = source;
  if (checksum === undefined || objects.some((object) => object.startsWith(checksum))) return result;
  throw new TbuildError(
    'TBUILD_GIT',
    `${source.remote}: expected checksum to match ${checksum}, got ${objects[0] ?? ''}`,
    {
      hint: 'The ref has moved: look at what has changed before you change the checksum.',
    },
  );
}

interface ListedRef {
  readonly name: string;
  readonly object: string;
}

async function listRefs(git: Git, { remote, ref = 'HEAD' }: GitSource): Promise<readonly ListedRef[]> {
  const patterns = [...new Set([ref, `refs/heads/${ref}`, `refs/tags/${ref}`, `refs/tags/${ref}^{}`, `${ref}^{}`])];
  const text = await git.run(['ls-remote', '--quiet', '--', remote, ...patterns]);
  return text
    .split('\n')
    .map((line) => line.split('\t'))
    .flatMap(([object = '', name]) => (name === undefined || !isFullCommit(object) ? [] : [{ name, object }]));
}

/** As BuildKit: the name as it is, then a branch, a tag, and any other ref. An annotated tag stands for the commit that it points to. */
function pick(
  refs: readonly ListedRef[],
  ref = 'HEAD',
): { readonly name: string; readonly object: string; readonly commit: string } | undefined {
  for (const name of [ref, `refs/heads/${ref}`, `refs/tags/${ref}`, `refs/${ref}`]) {
    const found = refs.find((each) => each.name === name);
    if (found === undefined) continue;
    const peeled = refs.find((each) => each.name === `${name}^{}`);
    return { ...found, commit: peeled?.object ?? found.object };
  }
  return undefined;
}
