import { readFile, stat } from 'node:fs/promises';
import { TbuildError } from '../../errors.ts';
import { keyAgent, socketAgent } from './agent.ts';
import type { Agent } from './agent.ts';
import { parsePrivateKey } from './private-key.ts';

/** What a RUN --mount=type=ssh reaches: an SSH agent by its socket, or one that has these private keys. */
export type SshSource = { readonly socket: string } | { readonly keys: readonly string[] };

/** Opens what was given. Throws TBUILD_SECRET when it cannot be used, without a word of what is in it. */
export async function openSshSource(id: string, source: SshSource): Promise<() => Agent> {
  if ('socket' in source) {
    await check(id, source.socket);
    return () => socketAgent(source.socket);
  }
  const keys = await Promise.all(source.keys.map((path) => readKey(id, path)));
  return () => keyAgent(keys);
}

async function check(id: string, path: string): Promise<void> {
  const stats = await stat(path).catch((cause: unknown) => {
    throw unusable(id, path, cause);
  });
  if (!stats.isSocket()) throw unusable(id, path, new Error('it is not a socket'));
}

async function readKey(id: string, path: string): Promise<ReturnType<typeof parsePrivateKey>> {
  try {
    return parsePrivateKey(await readFile(path, 'latin1'));
  } catch (cause) {
    throw unusable(id, path, cause);
  }
}

function unusable(id: string, path: string, cause: unknown): TbuildError {
  return new TbuildError('TBUILD_SECRET', `--ssh ${id}: ${path} cannot be used: ${(cause as Error).message}`, {
    cause,
    hint: 'give the socket of an ssh-agent (default: $SSH_AUTH_SOCK), or a private key without a passphrase',
    details: { id, path },
  });
}
