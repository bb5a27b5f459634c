import { chmodSync, mkdirSync, readFileSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { modes, openMachine } from './machine.ts';
import type { Machine, Ran } from './machine.ts';

const success = { kind: 'exit', exitCode: 0 };

describe.each(modes())('the file systems in a sandbox of $name', (mode) => {
  let machine: Machine;
  beforeAll(async () => {
    machine = await openMachine(mode);
  });
  afterAll(() => machine.close());

  /** Lists what a command left in the upper directory. */
  const written = (ran: Ran): readonly string[] =>
    readdirSync(join(ran.job, 'diff'), { recursive: true }).map(String).sort();

  it('leave no trace in the upper directory when the command writes nothing', async () => {
    const before = machine.job();
    const { mtimeMs } = statSync(join(before, 'diff'));
    const ran = await machine.exec(['true'], { job: before });
    expect(ran.outcome).toEqual(success);
    expect(written(ran)).toEqual([]);
    expect(statSync(join(before, 'diff')).mtimeMs).toBe(mtimeMs);
  });

  it('leave no trace of mount points when the command changes the directories around them', async () => {
    const tree = { 'etc/passwd': 'x', 'opt/deep/file': 'x' };
    const ran = await machine.sh('chmod 0700 /etc; echo new > /etc/new; rm /opt/deep/file', { tree });
    expect(written(ran)).toEqual(['etc', 'etc/new', 'opt', 'opt/deep', 'opt/deep/file']);
    expect(statSync(join(ran.job, 'diff/etc')).mode & 0o7777).toBe(0o700);
    expect(statSync(join(ran.job, 'diff/opt/deep/file')).isCharacterDevice()).toBe(true);
  });

  it('show directories above supplied mount points as the image has them', async () => {
    const tree = { 'etc/passwd': 'x' };
    const look = 'stat -c "%n %a %u %g %Y" / /etc';
    const supplied = machine.layer(tree);
    const existing = machine.layer({
      ...tree,
      'etc/hosts': '',
      'etc/resolv.conf': '',
      proc: null,
      sys: null,
      dev: null,
    });
    const looks = [supplied, existing].map(async (top) => {
      const job = machine.job();
      chmodSync(join(top, 'etc'), 0o2751);
      // The merged root has the times of the upper directory.
      for (const path of [join(top, 'etc'), join(job, 'diff')]) utimesSync(path, 1, 1_000_000_000);
      return (await machine.sh(look, { job, layers: [top, machine.base] })).stdout;
    });
    expect(await Promise.all(looks)).toEqual(
      Array.from({ length: 2 }, () => '/ 755 0 0 1000000000\n/etc 2751 0 0 1000000000\n'),
    );
  });

  it('keep one device number, and the inode number of a file that is changed', async () => {
    const ran = await machine.sh(
      'cd /data; stat -c %d . file /bin /bin/cat; before=$(stat -c %i file); echo more >> file; [ $before = $(stat -c %i file) ] && echo same',
      { tree: { 'data/file': 'x' } },
    );
    const lines = ran.stdout.trim().split('\n');
    expect(lines.pop()).toBe('same');
    expect(new Set(lines).size).toBe(1);
  });

  it('are nodev, but for the devices that they need', async () => {
    const ran = await machine.sh('cat /proc/self/mountinfo');
    const withDevices = ran.stdout
      .trim()
      .split('\n')
      .map((line) => line.split(' '))
      .filter((fields) => !(fields[5] ?? '').split(',').includes('nodev'))
      .map((fields) => fields[4]);
    expect(withDevices).toEqual(
      ['null', 'zero', 'full', 'random', 'urandom', 'tty', 'pts'].map((name) => `/dev/${name}`),
    );
  });

  it('let nobody make a device node that opens', async () => {
    for (const place of ['/node', '/dev/node', '/dev/shm/node']) {
      const ran = await machine.sh(`probe mknod ${place} b; probe mknod ${place}.c c`);
      // As root of the machine itself the node can be made, and is dead.
      expect(ran.stdout).toMatch(/^(mknod EPERM\n){2}$|^(mknod ok\nopen EACCES\n){2}$/);
    }
  });

  it("have a /dev with docker's nodes and links", async () => {
    const ran = await machine.sh(
      'cd /dev; for name in *; do if [ -L $name ]; then echo "$name -> $(readlink $name)"; else echo "$name $(stat -c "%F %t:%T %a" $name)"; fi; done; echo x > null; head -c 3 zero | wc -c; head -c 3 urandom | wc -c; dd if=zero of=full bs=1 count=1',
    );
    expect(ran.stdout.trim().split('\n')).toEqual([
      'fd -> /proc/self/fd',
      'full character special file 1:7 666',
      'mqueue directory 0:0 1777',
      'null character special file 1:3 666',
      'ptmx -> pts/ptmx',
      'pts directory 0:0 755',
      'random character special file 1:8 666',
      'shm directory 0:0 1777',
      'stderr -> /proc/self/fd/2',
      'stdin -> /proc/self/fd/0',
      'stdout -> /proc/self/fd/1',
      'tty character special file 5:0 666',
      'urandom character special file 1:9 666',
      'zero character special file 1:5 666',
      '3',
      '3',
    ]);
    expect(ran.stderr).toContain('No space left on device');
  });

  it('hide what docker hides', async () => {
    const ran = await machine.sh(
      'cat /proc/kcore /proc/keys /proc/timer_list /proc/interrupts /proc/sched_debug /proc/latency_stats 2> /dev/null | wc -c; for path in /proc/acpi /proc/scsi /proc/asound /sys/firmware /sys/devices/virtual/powercap /sys/devices/system/cpu/cpu*/thermal_throttle; do ls $path 2> /dev/null; done; echo end',
    );
    expect(ran.stdout).toBe('0\nend\n');
  });

  it.each([
    '/proc/sys/kernel/core_pattern',
    '/proc/sysrq-trigger',
    '/proc/irq/default_smp_affinity',
    '/proc/bus/x',
    '/sys/kernel/uevent_helper',
    '/sys/x',
    '/sys/fs/cgroup/x',
    '/sys/fs/cgroup/cgroup.procs',
    '/etc/hosts',
    '/etc/resolv.conf',
  ])('cannot be written to at %s', async (path) => {
    const ran = await machine.sh(
      `[ -d ${path.slice(0, path.lastIndexOf('/'))} ] && (echo x > ${path}) 2> /dev/null && echo written; exit 0`,
    );
    expect(ran).toMatchObject({ stdout: '', outcome: success });
  });

  it('cannot be mounted on, moved or unmounted', async () => {
    const ran = await machine.sh(
      'mount -t tmpfs none /bin || mount --bind /bin /lib || mount -o remount,rw /proc/sys || echo refused',
    );
    expect(ran.stdout).toBe('refused\n');
  });

  it('give the files of the plan over whatever the image has, leaving that alone', async () => {
    for (const tree of [{}, { 'etc/resolv.conf': 'old', 'etc/hosts': 'old' }]) {
      const ran = await machine.sh('cat /etc/resolv.conf /etc/hosts', { tree });
      expect(ran.stdout).toBe(
        'nameserver 192.0.2.53\n127.0.0.1\tlocalhost tbuild\n::1\tlocalhost ip6-localhost ip6-loopback\n',
      );
      expect(written(ran)).toEqual([]);
    }
  });

  it('resolve a symlink in the place of a file inside the root, and touch nothing outside of it', async () => {
    const canary = join(machine.directory, `canary-${Math.random()}`);
    writeFileSync(canary, 'CANARY');
    for (const link of [canary, `../../../../..${canary}`, '/run/systemd/resolve/stub-resolv.conf', '../real']) {
      const ran = await machine.sh('cat /etc/resolv.conf; readlink /etc/resolv.conf', {
        tree: { 'etc/resolv.conf': { link }, real: 'x' },
      });
      expect(ran.stdout).toBe(`nameserver 192.0.2.53\n${link}\n`);
      expect(written(ran)).toEqual([]);
    }
    expect(readFileSync(canary, 'utf8')).toBe('CANARY');
  });

  it('refuse an image where a file of the plan is a loop, or lies in /proc', async () => {
    for (const link of ['resolv.conf', '/proc/self/attr/exec', '/dev/null', '/sys/kernel/notes']) {
      const ran = machine.sh('true', { tree: { 'etc/resolv.conf': { link } } });
      await expect(ran).rejects.toMatchObject({ code: 'TBUILD_SANDBOX_SETUP' });
    }
  });

  it.each(['proc', 'sys', 'dev'])('refuse an image whose /%s is a symlink or a file', async (name) => {
    const canary = join(machine.directory, `canary-${name}-${Math.random()}`);
    mkdirSync(canary);
    const trees = [
      { [name]: { link: canary } },
      { [name]: { link: '/tmp/fake' }, 'tmp/fake': null },
      { [name]: 'file' },
    ];
    for (const tree of trees) {
      const ran = machine.sh('true', { tree });
      await expect(ran).rejects.toMatchObject({
        code: 'TBUILD_SANDBOX_SETUP',
        message: expect.stringContaining(`/${name}`) as string,
      });
    }
    expect(readdirSync(canary)).toEqual([]);
  });

  it('never start a command outside of the root', async () => {
    for (let fd = 0; fd < 64; fd++) {
      const ran = machine.sh('pwd; ls ..', { cwd: `/proc/self/fd/${fd}` });
      await expect(ran).rejects.toMatchObject({ code: 'TBUILD_SANDBOX_SETUP' });
    }
  });

  it('make a missing working directory inside the root, through symlinks too', async () => {
    const canary = join(machine.directory, `canary-cwd-${Math.random()}`);
    mkdirSync(canary);
    const ran = await machine.sh('pwd; echo x > file', { tree: { w: { link: canary } }, cwd: '/w/x' });
    expect(ran.stdout).toBe(`${canary}/x\n`);
    expect(written(ran)).toContain(`${canary.slice(1)}/x/file`);
    expect(readdirSync(canary)).toEqual([]);
    const odd = await machine.sh('pwd', { cwd: '/b/./c/' });
    expect(odd.stdout).toBe('/b/c\n');
  });

  it('bind directories and files, read-only or not, on places that exist or not', async () => {
    const source = machine.layer({ 'given/file': 'given', one: 'one' });
    const mounts = [
      { type: 'bind', source: join(source, 'given'), target: '/there', writable: true },
      { type: 'bind', source: join(source, 'given'), target: '/new/place', writable: false },
      { type: 'bind', source: join(source, 'one'), target: '/etc/one', writable: false },
    ] as const;
    const ran = await machine.sh(
      'cat /there/file /new/place/file /etc/one; echo more > /there/more; echo x > /new/place/x || echo refused; echo x > /etc/one || echo refused',
      { mounts, tree: { 'there/hidden': 'x' } },
    );
    expect(ran.stdout).toBe('givengivenonerefused\nrefused\n');
    expect(readFileSync(join(source, 'given/more'), 'utf8')).toBe('more\n');
    expect(written(ran)).toEqual([]);
  });

  it('are read-only as a whole without a job directory', async () => {
    const ran = await machine.sh('cat /etc/hosts | wc -l; echo x > /x || echo refused', {
      job: machine.job(),
      plan: { job: undefined, readonlyRoot: true },
    });
    expect(ran.stdout).toBe('2\nrefused\n');
    const upper = await machine.sh('echo x > /x || echo refused', { readonlyRoot: true });
    expect(upper.stdout).toBe('refused\n');
  });

  it('can be mounted again on the same job directory', async () => {
    const job = machine.job();
    await machine.sh('echo one > /one', { job });
    const again = await machine.sh('cat /one; rm /one', { job });
    expect(again.stdout).toBe('one\n');
    expect(written(again)).toEqual([]);
  });

  it('merge 130 layers, whatever their paths look like', async () => {
    const layers = Array.from({ length: 130 }, (_, i) => machine.layer({ [`layer-${i}`]: String(i), last: String(i) }));
    const odd = join(machine.layer({ 'a:b,c\\d/odd': 'odd' }), 'a:b,c\\d');
    const ran = await machine.sh('ls / | wc -l; cat /odd /last /layer-129; ls -d /layer-* | wc -l', {
      layers: [odd, ...layers, layers[3] ?? '', machine.base],
    });
    expect(ran.stdout.split('\n').slice(1)).toEqual(['odd0129130', '']);
  });

  it('say which layer is missing', async () => {
    const ran = machine.sh('true', { layers: [join(machine.directory, 'gone'), machine.base] });
    await expect(ran).rejects.toMatchObject({
      code: 'TBUILD_SANDBOX_SETUP',
      message: expect.stringContaining('/gone') as string,
    });
  });

  it('are those of a root without layers', async () => {
    const ran = await machine.exec(['/anything'], { layers: [] });
    expect(ran.outcome).toEqual({ kind: 'exit', exitCode: 127 });
    expect(written(ran)).toEqual([]);
  });
});
