import { TbuildError } from '../errors.ts';
import { groupsOf, passwdEntries } from './accounts.ts';
import type { GroupEntry, PasswdEntry } from './accounts.ts';
import type { SandboxUser } from './plan.ts';

/** Who a command runs as. */
export interface ResolvedUser extends SandboxUser {
  /** HOME: from /etc/passwd, `/` where the user is not in it. */
  readonly home: string;
}

/** Texts of the image's /etc/passwd and /etc/group; undefined when absent. */
export interface AccountFiles {
  readonly passwd: string | undefined;
  readonly group: string | undefined;
}

/** How much of either file is ever read: more is refused, since an image could make it any size. */
export const maxAccountFileBytes: number = 8 * 1024 * 1024;

/** docker: "uids and gids must be in range 0-2147483647". */
const maxId = 0x7fff_ffff;

/**
 * Resolves `USER`, `user[:group]`, by docker's rules, each checked against a `docker build`:
 * empty means root; what is all digits is an id, never a name (an account called `1000` cannot become it); a group that is not given is the account's, or 0 without an account;
 * supplementary groups come from /etc/group only when no group is given, by the name of the account; the primary group is always one of them.
 *
 * @throws `TBUILD_USER_NOT_FOUND` for an unknown name and an id out of range. Malformed lines are as if absent, so a user never becomes root because its uid does not parse.
 */
export function resolveUser(spec: string, files: AccountFiles): ResolvedUser {
  const colon = spec.indexOf(':');
  const userSpec = colon < 0 ? spec : spec.slice(0, colon);
  const groupSpec = colon < 0 ? '' : spec.slice(colon + 1);
  const account = findAccount(userSpec, files);
  const uid = account?.uid ?? parseId(userSpec, 'user') ?? 0;
  if (groupSpec !== '') {
    const gid = findGroup(groupSpec, files);
    return { uid, gid, groups: [gid], home: account?.home ?? '/' };
  }
  const gid = account?.gid ?? 0;
  const others =
    account === undefined ? [] : groupsOf(files.group).filter(({ members }) => members.includes(account.name));
  const groups = [...new Set([gid, ...others.map((group) => group.gid)])].sort((a, b) => a - b);
  return { uid, gid, groups, home: account?.home ?? '/' };
}

function findAccount(spec: string, files: AccountFiles): PasswdEntry | undefined {
  const uid = spec === '' ? 0 : parseId(spec, 'user');
  if (uid !== undefined) return first(passwdEntries(files.passwd), (entry) => entry.uid === uid);
  const account = first(passwdEntries(files.passwd), (entry) => entry.name === spec);
  if (account !== undefined) return account;
  throw notFound('user', spec, '/etc/passwd');
}

function findGroup(spec: string, files: AccountFiles): number {
  const gid = parseId(spec, 'group');
  if (gid !== undefined) return gid;
  const group = first<GroupEntry>(groupsOf(files.group), (entry) => entry.name === spec);
  if (group !== undefined) return group.gid;
  throw notFound('group', spec, '/etc/group');
}

function notFound(kind: 'user' | 'group', spec: string, file: string): TbuildError {
  return new TbuildError(
    'TBUILD_USER_NOT_FOUND',
    `there is no ${kind} ${JSON.stringify(spec)} in the image's ${file}`,
    {
      hint: `add it in an earlier RUN, or give the ${kind} as a number`,
      details: { [kind]: spec },
    },
  );
}

/** The id when it is written as one (Go's strconv.Atoi: a sign, leading zeros); undefined for a name. */
function parseId(spec: string, kind: 'user' | 'group'): number | undefined {
  if (!/^[+-]?\d+$/.test(spec)) return undefined;
  const id = Number(spec);
  if (id >= 0 && id <= maxId) return id === 0 ? 0 : id;
  throw new TbuildError('TBUILD_USER_NOT_FOUND', `the ${kind} id ${spec} is not from 0 to ${maxId}`, {
    details: { [kind]: spec },
  });
}

function first<T>(entries: Iterable<T>, holds: (entry: T) => boolean): T | undefined {
  for (const entry of entries) if (holds(entry)) return entry;
  return undefined;
}
