import { TbuildError } from '../errors.ts';
import type { HelperIdentity, IdRange } from '../native/helper-types.ts';
import { rangesOf } from './id-ranges.ts';
import type { SubordinateRange } from './id-ranges.ts';

/** How ids inside a sandbox relate to those of the helper. Maps are relative to the helper's user namespace. */
export type SandboxIdentity =
  /** Root: ids inside are high ids outside, and idmapped mounts make them the image's own on the disk. */
  | { readonly kind: 'idmapped'; readonly uidMap: readonly IdRange[]; readonly gidMap: readonly IdRange[] }
  /** An ordinary user with ranges: the same ids as in the helper's namespace, in a nested one. */
  | { readonly kind: 'nested'; readonly uidMap: readonly IdRange[]; readonly gidMap: readonly IdRange[] }
  /** An ordinary user without ranges: id 0 alone. */
  | { readonly kind: 'single'; readonly uidMap: readonly IdRange[]; readonly gidMap: readonly IdRange[] }
  /** Root without a user namespace of its own, asked for with --userns=host. */
  | { readonly kind: 'host' };

export interface Identity {
  readonly helper: HelperIdentity;
  readonly sandbox: SandboxIdentity;
  /** Why it is not a stronger or fuller one, for people; undefined when it is the best. */
  readonly reason: string | undefined;
}

export interface IdentityOptions {
  /** `host`: as root, no user namespace of its own. */
  readonly userns: 'auto' | 'host';
  readonly uid: number;
  readonly gid: number;
  readonly userName: string | undefined;
  /** Texts of /etc/subuid and /etc/subgid; undefined when absent. */
  readonly subuid: string | undefined;
  readonly subgid: string | undefined;
  /** Whether newuidmap and newgidmap are on PATH. */
  readonly hasMapTools: boolean;
  /** First id of those that root's sandboxes use. @default 0x70000000 */
  readonly base?: number | undefined;
}

/** Just above what systemd gives to containers (524288 to 0x6fffffff, systemd's UIDS-GIDS.md). */
const defaultBase = 0x7000_0000;

/** Short of 2^28 by what systemd keeps for foreign images at 0x7ffe0000 (the same page). */
const rootCount = 0x0ffe_0000;

/** The highest id that files and processes may have (int32, as docker has it). */
const maxId = 0x7fff_ffff;

/** Decides which ids commands have. Throws `TBUILD_USAGE` on what cannot be, and on ranges that others use. */
export function planIdentity(options: IdentityOptions): Identity {
  if (options.uid === 0) return options.userns === 'host' ? hostIdentity : rootIdentity(options);
  if (options.userns === 'host') {
    throw new TbuildError('TBUILD_USAGE', '--userns=host is for root: an ordinary user needs a user namespace', {
      hint: 'leave --userns out',
    });
  }
  return ordinaryIdentity(options);
}

const hostIdentity: Identity = {
  helper: { kind: 'root' },
  sandbox: { kind: 'host' },
  reason: '--userns=host: commands run as the root of this machine, with 14 of its capabilities',
};

function rootIdentity(options: IdentityOptions): Identity {
  const base = options.base ?? defaultBase;
  if (!Number.isInteger(base) || base < 65536 || base + rootCount - 1 > maxId) {
    throw new TbuildError('TBUILD_USAGE', `the first id of sandboxes cannot be ${base}`, {
      hint: `it must be from 65536 to ${maxId - rootCount + 1}`,
    });
  }
  for (const [file, text] of Object.entries({ '/etc/subuid': options.subuid, '/etc/subgid': options.subgid })) {
    const taken = rangesOf(text).find(({ start, count }) => start < base + rootCount && base < start + count);
    if (taken !== undefined) throw overlap(file, taken, base);
  }
  const map = [{ inside: 0, outside: base, count: rootCount }];
  return {
    helper: { kind: 'root' },
    sandbox: { kind: 'idmapped', uidMap: map, gidMap: map },
    reason: undefined,
  };
}

function overlap(file: string, taken: SubordinateRange, base: number): TbuildError {
  return new TbuildError(
    'TBUILD_USAGE',
    `${file} gives ${taken.owner} ids from ${taken.start} to ${taken.start + taken.count - 1}, which the sandboxes of root would use too (${base} to ${base + rootCount - 1})`,
    { hint: 'choose another first id for sandboxes, or change that line', details: { file, owner: taken.owner } },
  );
}

function ordinaryIdentity(options: IdentityOptions): Identity {
  const mine = ({ owner }: SubordinateRange): boolean => owner === options.userName || owner === String(options.uid);
  const uids = rangesOf(options.subuid).filter(mine);
  const gids = rangesOf(options.subgid).filter(mine);
  if (uids.length === 0 || gids.length === 0) {
    const file = uids.length === 0 ? '/etc/subuid' : '/etc/subgid';
    return single(options, `${file} has no range for ${options.userName ?? `user ${options.uid}`}`);
  }
  if (!options.hasMapTools) return single(options, 'newuidmap and newgidmap are not installed (package uidmap)');
  const uidMap = helperMap(options.uid, uids);
  const gidMap = helperMap(options.gid, gids);
  return {
    helper: { kind: 'mapped', uidMap, gidMap },
    sandbox: { kind: 'nested', uidMap: identical(uidMap), gidMap: identical(gidMap) },
    reason: undefined,
  };
}

function single({ uid, gid }: IdentityOptions, why: string): Identity {
  const map = [{ inside: 0, outside: 0, count: 1 }];
  return {
    helper: { kind: 'single', uid, gid },
    sandbox: { kind: 'single', uidMap: map, gidMap: map },
    reason: `${why}: commands see user and group 0 alone`,
  };
}

/** Id 0 is the user; the ranges follow from 1 on. The kernel takes 340 lines. */
function helperMap(own: number, ranges: readonly SubordinateRange[]): readonly IdRange[] {
  const map: IdRange[] = [{ inside: 0, outside: own, count: 1 }];
  let inside = 1;
  for (const { start, count } of ranges.slice(0, 339)) {
    const fitting = Math.min(count, maxId - inside + 1);
    if (fitting < 1) break;
    map.push({ inside, outside: start, count: fitting });
    inside += fitting;
  }
  return map;
}

/** Line by line: one line of a map must lie within one line of the map above it. */
function identical(map: readonly IdRange[]): readonly IdRange[] {
  return map.map(({ inside, count }) => ({ inside, outside: inside, count }));
}
