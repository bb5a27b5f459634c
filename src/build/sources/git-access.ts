import { resolve } from 'node:path';
import { isTbuildError } from '../../errors.ts';
import type { GitSource } from '../../git/git-source.ts';
import type { GitAccess } from '../../git/run-git.ts';
import { openCleanup } from '../../util/cleanup.ts';
import type { Cleanup } from '../../util/cleanup.ts';
import type { BuildAccess } from '../access.ts';
import { gitAuthorization } from './credentials.ts';

/**
 * With what a repository is reached, for as long as `use` takes. A second time where its server turned out to have moved it: git itself follows no redirect with credentials, since they would come along.
 * Throws TBUILD_SECRET.
 */
export async function withGitAccess<T>(
  build: BuildAccess,
  source: GitSource,
  use: (access: GitAccess) => Promise<T>,
): Promise<T> {
  await using cleanup = openCleanup();
  const access: GitAccess = {
    source,
    authorization: await gitAuthorization(build, source),
    agentSocket: await agentSocket(build, source, cleanup),
    signal: build.signal,
  };
  try {
    return await use(access);
  } catch (error) {
    if (access.authorization === undefined || !isRedirect(error)) throw error;
    const { movedTo } = await import('./moved-repository.ts');
    const remote = await movedTo(access);
    if (remote === undefined) throw error;
    return await use({ ...access, source: { ...source, remote } });
  }
}

/** Git's message is that of curl. */
function isRedirect(error: unknown): boolean {
  return isTbuildError(error, 'TBUILD_GIT') && /returned error: 30[1278]\b/.test(String(error.details['stderr']));
}

const agentId = 'default';

/** Only for a repository that is itself reached by ssh, as docker has it: no submodule of another gets to ask for signatures. */
async function agentSocket(
  { options, store }: BuildAccess,
  { protocol }: GitSource,
  cleanup: Cleanup,
): Promise<string | undefined> {
  const given = Object.hasOwn(options.ssh, agentId) ? options.ssh[agentId] : undefined;
  if (given === undefined || protocol !== 'ssh') return undefined;
  const { openSshSource } = await import('../ssh/sources.ts');
  const agent = await openSshSource(agentId, given);
  // The system's ssh may say all that the agent understands: keys can be bound to hosts.
  if ('socket' in given) return resolve(given.socket);
  const { forwardAgent } = await import('../ssh/forward.ts');
  const job = cleanup.use(await store.createJob());
  return cleanup.use(await forwardAgent(job.path, 'ssh', agent)).path;
}
