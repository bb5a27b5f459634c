import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { modes, openMachine } from './machine.ts';
import type { Machine } from './machine.ts';

describe.each(modes())('an insecure sandbox of $name', (mode) => {
  let machine: Machine;
  beforeAll(async () => {
    machine = await openMachine(mode);
  });
  afterAll(() => machine.close());

  const insecure = { security: 'insecure', network: 'none' } as const;
  const look = 'cd /proc/self; while read name value; do case $name in Cap*) echo $name $value;; esac; done < status';

  it('has every capability, and hands them on, to other users than root too', async () => {
    const users = [{ uid: 0, gid: 0, groups: [0] }];
    if (mode.identity.sandbox.kind !== 'single') users.push({ uid: 1000, gid: 1000, groups: [1000] });
    for (const user of users) {
      const { stdout } = await machine.sh(look, { ...insecure, user });
      const sets = stdout
        .trim()
        .split('\n')
        .map((line) => line.split(' ')[1]);
      expect(sets).toHaveLength(5);
      expect(new Set(sets).size).toBe(1);
      expect(BigInt(`0x${sets[0]}`) & (1n << 21n)).not.toBe(0n);
    }
    const usual = await machine.sh(look, { network: 'none' });
    expect(usual.stdout).toBe(
      'CapInh: 0000000000000000\nCapPrm: 00000000a80425fb\nCapEff: 00000000a80425fb\nCapBnd: 00000000a80425fb\nCapAmb: 0000000000000000\n',
    );
  });

  it('can mount, and change settings of its own namespaces', async () => {
    const script =
      'mkdir /m && mount -t tmpfs none /m && echo x > /m/x && ls /m; mount -t proc none /m && ls -d /m/self; echo 1 > /proc/sys/net/ipv4/ip_forward && cat /proc/sys/net/ipv4/ip_forward';
    expect((await machine.sh(script, insecure)).stdout).toBe('x\n/m/self\n1\n');
    const usual = await machine.sh(`(${script}) 2> /dev/null; true`, { network: 'none' });
    expect(usual.stdout).toBe('');
  });

  it('hides nothing of /proc and /sys', async () => {
    const mounted = 'while read a b c d point rest; do echo $point; done < /proc/self/mountinfo';
    const points = (await machine.sh(mounted, insecure)).stdout.trim().split('\n');
    const expected = ['/', '/proc', '/dev', '/sys', '/etc/hosts', '/etc/resolv.conf'];
    expect(points.filter((point) => !point.startsWith('/dev/') && !point.startsWith('/sys/fs/')).sort()).toEqual(
      expected.sort(),
    );
    const flags = (await machine.sh('cat /proc/self/mountinfo', insecure)).stdout
      .split('\n')
      .find((line) => line.includes(' /sys '));
    expect(flags).toContain(' /sys rw,');
  });

  it('still opens no device, nor, in a user namespace of its own, anything of PID 1', async () => {
    const ran = await machine.sh('probe mknod /node b; probe mknod /dev/node c; probe attack 1', insecure);
    expect(ran.stdout).not.toContain('open ok');
    if (mode.identity.sandbox.kind === 'host') return;
    expect(ran.stdout).not.toMatch(/^(ptrace|process_vm_readv|pidfd_getfd) ok$/m);
  });
});
