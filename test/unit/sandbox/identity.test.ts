import { describe, expect, it } from 'vitest';
import { rangesOf } from '../../../src/sandbox/id-ranges.ts';
import { planIdentity } from '../../../src/sandbox/identity.ts';

const user = {
  userns: 'auto',
  uid: 1001,
  gid: 1002,
  userName: 'ann',
  subuid: 'bob:100000:65536\nann:165536:65536\n',
  subgid: 'ann:165536:1000\n1001:300000:500\n',
  hasMapTools: true,
} as const;
const root = { ...user, uid: 0, gid: 0, userName: 'root' };

describe('planIdentity', () => {
  it("maps the ids of root's sandboxes above all that systemd gives away", () => {
    const { helper, sandbox, reason } = planIdentity(root);
    expect(helper).toEqual({ kind: 'root' });
    const map = [{ inside: 0, outside: 0x7000_0000, count: 0x0ffe_0000 }];
    expect(sandbox).toEqual({ kind: 'idmapped', uidMap: map, gidMap: map });
    expect(reason).toBeUndefined();
  });

  it('refuses ranges for root that somebody else uses', () => {
    const taken = { ...root, subgid: 'eve:1879048192:10\n' };
    expect(() => planIdentity(taken)).toThrow(/\/etc\/subgid gives eve ids from 1879048192 to 1879048201/);
    expect(planIdentity({ ...taken, base: 0x6000_0000 }).sandbox).toMatchObject({ uidMap: [{ outside: 0x6000_0000 }] });
  });

  it.each([-1, 0, 1000, 1.5, 0x7fff_0000, Number.NaN])('refuses %s as the first id', (base) => {
    expect(() => planIdentity({ ...root, base })).toThrow(expect.objectContaining({ code: 'TBUILD_USAGE' }) as Error);
  });

  it('leaves the user namespace out for root alone', () => {
    expect(planIdentity({ ...root, userns: 'host' })).toMatchObject({
      helper: { kind: 'root' },
      sandbox: { kind: 'host' },
    });
    expect(() => planIdentity({ ...user, userns: 'host' })).toThrow('--userns=host is for root');
  });

  it('gives an ordinary user id 0 and then its ranges, by name and by number', () => {
    const { helper, sandbox } = planIdentity(user);
    expect(helper).toEqual({
      kind: 'mapped',
      uidMap: [
        { inside: 0, outside: 1001, count: 1 },
        { inside: 1, outside: 165_536, count: 65_536 },
      ],
      gidMap: [
        { inside: 0, outside: 1002, count: 1 },
        { inside: 1, outside: 165_536, count: 1000 },
        { inside: 1001, outside: 300_000, count: 500 },
      ],
    });
    expect(sandbox).toEqual({
      kind: 'nested',
      uidMap: [
        { inside: 0, outside: 0, count: 1 },
        { inside: 1, outside: 1, count: 65_536 },
      ],
      gidMap: [
        { inside: 0, outside: 0, count: 1 },
        { inside: 1, outside: 1, count: 1000 },
        { inside: 1001, outside: 1001, count: 500 },
      ],
    });
  });

  it.each([
    [{ subuid: undefined }, '/etc/subuid has no range for ann'],
    [{ subgid: 'bob:1:2' }, '/etc/subgid has no range for ann'],
    [{ hasMapTools: false }, 'newuidmap and newgidmap are not installed'],
  ])('falls back to a single id and says why: %j', (facts, why) => {
    const { helper, sandbox, reason } = planIdentity({ ...user, ...facts });
    expect(helper).toEqual({ kind: 'single', uid: 1001, gid: 1002 });
    expect(sandbox.kind).toBe('single');
    expect(reason).toContain(why);
  });
});

describe('rangesOf', () => {
  it('passes over what newuidmap would', () => {
    const text = '# comment\n\nann:1:2\nann:x:2\nann:1\nann:1:0\nann:4294967295:5\n:1:2\nann:-1:5\n bob:3:4 \n';
    expect(rangesOf(text)).toEqual([
      { owner: 'ann', start: 1, count: 2 },
      { owner: 'bob', start: 3, count: 4 },
    ]);
  });
});
