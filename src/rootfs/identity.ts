import { existsSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { planIdentity } from '../sandbox/identity.ts';
import type { Identity } from '../sandbox/identity.ts';

export interface IdentityChoice {
  /** `host`: as root, commands run without a user namespace of their own. @default 'auto' */
  readonly userns?: 'auto' | 'host' | undefined;
  /** As root: first id on the host for the ids of sandboxes. @default 0x70000000 */
  readonly usernsStart?: number | undefined;
}

/** Where the helper looks for them: its environment is empty. */
const mapToolDirectories = ['/usr/bin', '/bin', '/usr/sbin', '/usr/local/bin'];

/** Decides from this machine's files which ids commands will have. Throws TBUILD_USAGE. */
export function systemIdentity({ userns = 'auto', usernsStart }: IdentityChoice): Identity {
  return planIdentity({
    userns,
    uid: process.geteuid?.() ?? 0,
    gid: process.getegid?.() ?? 0,
    userName: currentUserName(),
    subuid: readIfThere('/etc/subuid'),
    subgid: readIfThere('/etc/subgid'),
    hasMapTools: ['newuidmap', 'newgidmap'].every((tool) =>
      mapToolDirectories.some((directory) => existsSync(`${directory}/${tool}`)),
    ),
    base: usernsStart,
  });
}

/** A user without an entry in /etc/passwd has no name. */
function currentUserName(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return undefined;
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
