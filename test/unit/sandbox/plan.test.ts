import { describe, expect, it } from 'vitest';
import { capabilityMask, defaultCapabilities } from '../../../src/sandbox/defaults.ts';
import { encodePlan } from '../../../src/sandbox/encode.ts';
import { planSandbox } from '../../../src/sandbox/plan.ts';
import type { SandboxOptions } from '../../../src/sandbox/plan.ts';

const map = [{ inside: 0, outside: 100, count: 10 }];
const options: SandboxOptions = {
  layers: ['/b', '/a', '/b'],
  job: '/job',
  identity: { kind: 'idmapped', uidMap: map, gidMap: map },
  network: 'none',
  argv: ['/bin/sh', '-c', 'a=b\nc'],
  environment: ['PATH=/bin', 'X=a=b'],
  cwd: '/w',
  cwdOwner: 'user',
  user: { uid: 1, gid: 2, groups: [2, 3] },
  resolvConf: 'nameserver 1.1.1.1\n',
  extraHosts: [{ name: 'db', address: '10.0.0.1' }],
  mounts: [{ type: 'bind', source: '/s:1', target: '/t', writable: false }],
  stdin: true,
  terminal: { rows: 24, columns: 80 },
};

describe('planSandbox', () => {
  it('leaves the capabilities of docker', () => {
    expect(defaultCapabilities).toHaveLength(14);
    expect(capabilityMask(defaultCapabilities)).toBe(0xa804_25fbn);
  });

  it.each([
    [{ argv: [] }, 'needs a command'],
    [{ cwd: 'w' }, 'not an absolute path: w'],
    [{ layers: ['/a', 'b'] }, 'not an absolute path: b'],
    [{ mounts: [{ type: 'bind' as const, source: 's', target: '/t', writable: true }] }, 'not an absolute path: s'],
    [{ environment: ['A=\0'] }, 'NUL'],
    [{ argv: ['a\0b'] }, 'NUL'],
  ])('refuses %j', (wrong, message) => {
    expect(() => planSandbox({ ...options, ...wrong })).toThrow(message);
  });

  it('refuses hosts that could add lines of their own', () => {
    for (const extraHosts of [[{ name: 'a b', address: '1.1.1.1' }], [{ name: 'a', address: '1.1.1.1\n2.2.2.2 b' }]]) {
      expect(() => planSandbox({ ...options, extraHosts })).toThrow(/is not a host name and an IP address/);
    }
  });
});

describe('encodePlan', () => {
  const plan = planSandbox(options);

  it('is the request of the helper', () => {
    const fields = encodePlan(plan).fields.filter(([key]) => key !== 'mask' && key !== 'readonly');
    const hex = (text: string): string => Buffer.from(text).toString('hex');
    expect(fields).toEqual([
      ['layer', '/b'],
      ['layer', '/a'],
      ['upper', '/job'],
      ['volatile', '1'],
      ['uid-map', '0 100 10'],
      ['gid-map', '0 100 10'],
      ['idmap', '1'],
      ['network', 'none'],
      ['hostname', 'tbuild'],
      ['arg', '/bin/sh'],
      ['arg', '-c'],
      ['arg', 'a=b\nc'],
      ['env', 'PATH=/bin'],
      ['env', 'X=a=b'],
      ['cwd', '/w'],
      ['cwd-owner', 'user'],
      ['uid', '1'],
      ['gid', '2'],
      ['group', '2'],
      ['group', '3'],
      ['caps', 'a80425fb'],
      ['file', `/etc/resolv.conf=${hex('nameserver 1.1.1.1\n')}`],
      [
        'file',
        `/etc/hosts=${hex('127.0.0.1\tlocalhost tbuild\n::1\tlocalhost ip6-localhost ip6-loopback\n10.0.0.1\tdb\n')}`,
      ],
      ['stdin', '1'],
      ['tty', '24 80'],
    ]);
  });

  it.each([
    [{ kind: 'nested', uidMap: map, gidMap: map } as const, ['uid-map', 'gid-map']],
    [{ kind: 'single', uidMap: map, gidMap: map } as const, ['uid-map', 'gid-map', 'single']],
    [{ kind: 'host' } as const, ['userns']],
  ])('says how ids are mapped: %j', (identity, keys) => {
    const found = encodePlan({ ...plan, identity }).fields.map(([key]) => key);
    expect(found.filter((key) => ['uid-map', 'gid-map', 'single', 'idmap', 'userns'].includes(key))).toEqual(keys);
  });

  it('has no upper directory and a read-only root without a job', () => {
    const keys = encodePlan(planSandbox({ ...options, job: undefined })).fields.map(([key]) => key);
    expect(keys).toContain('readonly-root');
    expect(keys).not.toContain('upper');
    expect(keys).not.toContain('volatile');
  });
});
