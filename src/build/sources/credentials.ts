import { TbuildError } from '../../errors.ts';
import type { GitSource } from '../../git/git-source.ts';
import type { BuildAccess } from '../access.ts';

type WithSecrets = Pick<BuildAccess, 'secrets'>;

/** The Authorization header for a download, from the secrets that docker looks for: by the host without its port, and before the URL's own credentials. Throws TBUILD_SECRET. */
export async function httpAuthorization(access: WithSecrets, { hostname }: URL): Promise<string | undefined> {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const token = await readSecret(access, `HTTP_AUTH_TOKEN_${host}`);
  return token === undefined ? readSecret(access, `HTTP_AUTH_HEADER_${host}`) : `Bearer ${token}`;
}

/** The same for a repository: by the host with its port, then for any. */
export async function gitAuthorization(access: WithSecrets, source: GitSource): Promise<string | undefined> {
  const { credentials, host, protocol } = source;
  if (protocol !== 'https' && protocol !== 'http') return undefined;
  for (const suffix of [`.${host}`, '']) {
    const header = await readSecret(access, `GIT_AUTH_HEADER${suffix}`);
    if (header !== undefined) return header;
    const token = await readSecret(access, `GIT_AUTH_TOKEN${suffix}`);
    if (token !== undefined) return basic('x-access-token', token);
  }
  return credentials === undefined ? undefined : basic(credentials.username, credentials.password);
}

function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/** One line: it becomes a header. */
async function readSecret(access: WithSecrets, id: string): Promise<string | undefined> {
  const text = (await access.secrets.read(id))?.toString('utf8').trim();
  if (text === undefined || text === '') return undefined;
  // eslint-disable-next-line no-control-regex
  if (!/[\u0000-\u001f\u007f]/.test(text)) return text;
  throw new TbuildError('TBUILD_SECRET', `secret ${id} has several lines, and cannot be sent in a header`, {
    hint: 'Give the token alone.',
    details: { id },
  });
}
