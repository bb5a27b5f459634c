import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/native/package-root.ts';
import { modes, openMachine } from '../integration/sandbox/machine.ts';
import type { Machine } from '../integration/sandbox/machine.ts';
import { compileAttacker } from './attacker.ts';

const helper = join(packageRoot(), 'addon/build/Release/tbuild-helper');
const program = compileAttacker();
const hash = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

describe.each(modes())('a hostile command in a sandbox of $name', (mode) => {
  let machine: Machine;
  beforeAll(async () => {
    machine = await openMachine(mode);
  });
  afterAll(() => machine.close());

  /** What the program reports, by what it tried. */
  const attack = async (
    command: string,
    options: Parameters<Machine['sh']>[1] = {},
  ): Promise<ReadonlyMap<string, string>> => {
    const ran = await machine.sh(`attacker ${command}`, { tree: { 'bin/attacker': program, tmp: null }, ...options });
    expect(ran.outcome).toEqual({ kind: 'exit', exitCode: 0 });
    const lines = ran.stdout.trim().split('\n');
    return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), line.slice(line.lastIndexOf(' ') + 1)]));
  };
  const expectRefused = (results: ReadonlyMap<string, string>): void => {
    expect([...results].filter(([, result]) => result === 'ok')).toEqual([]);
    expect(results.size).toBeGreaterThan(0);
  };

  it('sees no process but its own and PID 1', async () => {
    const { stdout } = await machine.sh('cd /proc; for name in [0-9]*; do echo $name; done');
    expect(stdout).toBe('1\n2\n');
  });

  it('reads nothing of PID 1, of the kernel log or of devices', async () => {
    const ofInit = ['environ', 'mem', 'maps', 'auxv', 'stack', 'syscall', 'personality', 'io', 'pagemap'];
    const paths = [
      ...ofInit.flatMap((name) => [`/proc/1/${name}`, ...(name === 'auxv' ? [] : [`/proc/1/task/1/${name}`])]),
      '/proc/kmsg',
      '/dev/kmsg',
      '/dev/mem',
      '/dev/port',
      '/dev/sda',
      '/dev/vda',
      '/dev/fuse',
      '/dev/kvm',
      '/dev/net/tun',
    ].filter((path) => path !== '/proc/1/task/1/pagemap');
    expectRefused(await attack(`read ${paths.join(' ')}`));
  });

  it('writes neither to what PID 1 runs nor to a setting of the machine', async () => {
    const before = hash(helper);
    expectRefused(
      await attack(
        'write /proc/1/exe /proc/1/mem /proc/1/setgroups /proc/sys/kernel/core_pattern /proc/sys/kernel/hostname /proc/sys/vm/drop_caches /proc/sys/net/ipv4/ip_forward /proc/sys/user/max_user_namespaces /proc/sysrq-trigger /proc/mtrr /proc/irq/default_smp_affinity /sys/kernel/mm/transparent_hugepage/enabled /sys/kernel/uevent_helper /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/release_agent',
      ),
    );
    expect(hash(helper)).toBe(before);
  });

  it('enters no namespace of PID 1', async () => {
    expectRefused(await attack('namespaces'));
  });

  it('undoes nothing of what is hidden or read-only, with all powers in namespaces of its own', async () => {
    const { unshare, ...others } = Object.fromEntries(await attack('nest')) as Record<string, string>;
    // A machine may also refuse it these namespaces.
    if (unshare !== 'ok') return;
    expectRefused(new Map(Object.entries(others)));
    expect(Object.keys(others)).toEqual(expect.arrayContaining(['/proc/sys', 'proc', 'sysfs', 'setns', 'mknod']));
  });

  it('has a session keyring without keys', async () => {
    const results = await attack('keyrings');
    expect(results.get('keys')).toBe('0');
    expect(results.get('request_key')).toBe('ENOKEY');
  });

  it('has no terminal to type into', async () => {
    expectRefused(await attack('terminals'));
  });

  it('reaches no abstract socket of the machine without a network', async () => {
    const name = `tbuild-hostile-${process.pid}-${Math.random()}`;
    const server = createServer((socket) => void socket.destroy());
    await new Promise<void>((resolve) => void server.listen(`\0${name}`, resolve));
    try {
      expect(await attack(`connect ${name}`, { network: 'none' })).toEqual(new Map([['connect', 'ECONNREFUSED']]));
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it.runIf(mode.identity.helper.kind === 'root')('opens no device node that the image brings', async () => {
    const layer = machine.layer({ 'bin/attacker': program });
    mkdirSync(join(layer, 'nodes'));
    for (const [name, ...numbers] of [
      ['mem', 'c', '1', '1'],
      ['null', 'c', '1', '3'],
      ['disk', 'b', '7', '0'],
    ]) {
      execFileSync('mknod', ['-m', '666', join(layer, 'nodes', name ?? ''), ...numbers]);
    }
    const results = await attack('read /nodes/mem /nodes/null /nodes/disk', { layers: [layer, machine.base] });
    expect([...results.values()]).toEqual(['EACCES', 'EACCES', 'EACCES']);
  });
});
