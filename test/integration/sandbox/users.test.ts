import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadAddon } from '../../../src/native/load.ts';
import { modes, openMachine } from './machine.ts';
import type { Machine } from './machine.ts';

const all = modes();
const many = all.filter(({ identity }) => identity.sandbox.kind !== 'single');
const single = all.filter(({ identity }) => identity.sandbox.kind === 'single');
const user = { uid: 1000, gid: 1001, groups: [7, 1001] };

describe.each(many)('users in a sandbox of $name', (mode) => {
  let machine: Machine;
  beforeAll(async () => {
    machine = await openMachine(mode);
  });
  afterAll(() => machine.close());

  /** What an id inside is on the disk. */
  const onDisk = (id: number): number => {
    const { helper } = mode.identity;
    if (helper.kind !== 'mapped') return id;
    const range = helper.uidMap.find(({ inside, count }) => id >= inside && id < inside + count);
    return (range?.outside ?? 0) + id - (range?.inside ?? 0);
  };

  it('are who they are asked to be, with their groups and without capabilities', async () => {
    const ran = await machine.sh(
      'id -u; id -g; id -G; while read -r line; do case $line in Cap*) echo $line;; esac; done < /proc/self/status',
      { user },
    );
    expect(ran.stdout).toBe(
      '1000\n1001\n1001 7\nCapInh: 0000000000000000\nCapPrm: 0000000000000000\nCapEff: 0000000000000000\nCapBnd: 00000000a80425fb\nCapAmb: 0000000000000000\n',
    );
  });

  it('can open their own /dev/stdout and /dev/stderr', async () => {
    const ran = await machine.sh('echo out > /dev/stdout; echo error > /dev/stderr', { user });
    expect(ran).toMatchObject({ stdout: 'out\n', stderr: 'error\n' });
  });

  it('cannot write what is not theirs', async () => {
    const ran = await machine.sh('echo x > /file || echo refused; echo x > /etc/hosts || echo refused', { user });
    expect(ran.stdout).toBe('refused\nrefused\n');
  });

  it("own what they are given, with the image's ids on the disk", async () => {
    const ran = await machine.sh('touch /a /b; chown 1000:1001 /a; chown 65534:5 /b; stat -c "%u:%g" /a /b /bin');
    expect(ran.stdout).toBe('1000:1001\n65534:5\n0:0\n');
    const [a, b] = ['a', 'b'].map((name) => lstatSync(join(ran.job, 'diff', name)));
    expect([a?.uid, b?.uid]).toEqual([onDisk(1000), onDisk(65_534)]);
  });

  it('own the working directory that had to be made, or not, as asked', async () => {
    const look = 'stat -c "%u:%g %a" /made /made/deep';
    const built = await machine.sh(look, { user, cwd: '/made/deep' });
    expect(built.stdout).toBe('1000:1001 755\n1000:1001 755\n');
    const ran = await machine.sh(look, { user, cwd: '/made/deep', cwdOwner: 'root' });
    expect(ran.stdout).toBe('0:0 755\n0:0 755\n');
  });

  it('become root by a setuid program', async () => {
    const job = machine.job();
    await machine.sh('cd /bin; for name in id; do cat id > super; done; chmod 4755 super', { job });
    const ran = await machine.sh('super -u; super -ru', { job, user });
    expect(ran.stdout).toBe('0\n1000\n');
  });

  it('gain a capability by a file that has it, which is kept as docker keeps it', async () => {
    const job = machine.job();
    const set = await machine.sh('cp=/bin/capable; cat /bin/cat > $cp; chmod 755 $cp; probe setcap $cp', { job });
    expect(set.stdout).toBe('setxattr ok\n');
    const ran = await machine.sh('exec capable /proc/self/status', { job, user });
    expect(/CapEff:\s*(\w+)/.exec(ran.stdout)?.[1]).toBe('0000000000000400');
    if (mode.identity.helper.kind !== 'root') return;
    // struct vfs_cap_data of version 2, effective, bit 10, without a root id: what a layer of docker has.
    const record = await loadAddon().hashFiles(join(job, 'diff'), ['bin/capable']);
    expect(record.subarray(37).toString()).toBe('security.capability=0100000200040000000000000000000000000000\0');
  });

  it('are refused when they are beyond the ids of the sandbox', async () => {
    if (mode.identity.sandbox.kind === 'host') return;
    const ran = machine.sh('true', { user: { uid: 0x7000_0000, gid: 0, groups: [] } });
    await expect(ran).rejects.toMatchObject({
      code: 'TBUILD_SANDBOX_SETUP',
      message: expect.stringContaining('user 1879048192 is not mapped') as string,
    });
  });

  it('cannot reach processes of the builder, whose user they may be', async () => {
    const ran = await machine.sh(`kill -0 ${machine.pid}; echo $?; kill -0 ${process.pid}; echo $?`);
    expect(ran.stdout).toBe('1\n1\n');
  });
});

describe.each(single)('the one user in a sandbox of $name', (mode) => {
  let machine: Machine;
  beforeAll(async () => {
    machine = await openMachine(mode);
  });
  afterAll(() => machine.close());

  it('is 0, and cannot change its groups', async () => {
    const ran = await machine.sh('id -u; id -g; cat /proc/self/setgroups; cat /proc/self/uid_map');
    expect(ran.stdout.replaceAll(/ +/g, ' ')).toBe('0\n0\ndeny\n 0 0 1\n');
  });

  it('cannot give a file away', async () => {
    const ran = await machine.sh('touch /a; chown 1000 /a || echo refused');
    expect(ran.stdout).toBe('refused\n');
  });

  it('is the only one that a command can run as', async () => {
    await expect(machine.sh('true', { user })).rejects.toMatchObject({
      code: 'TBUILD_SANDBOX_SETUP',
      message: expect.stringContaining('group 1001 is not mapped') as string,
    });
  });
});
