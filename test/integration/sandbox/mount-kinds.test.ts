import { chmodSync, chownSync, existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SandboxMount } from '../../../src/sandbox/mounts.ts';
import { modes, openMachine } from './machine.ts';
import type { Machine, Ran } from './machine.ts';

describe.each(modes())('mounts in a sandbox of $name', (mode) => {
  let machine: Machine;
  beforeAll(async () => {
    machine = await openMachine(mode);
  });
  afterAll(() => machine.close());

  const written = (ran: Ran): readonly string[] =>
    readdirSync(join(ran.job, 'diff'), { recursive: true }).map(String).sort();
  const isSingle = mode.identity.sandbox.kind === 'single';
  const secret = (target: string, content: string, other: Partial<SandboxMount> = {}): SandboxMount =>
    ({ type: 'secret', target, content: Buffer.from(content), mode: 0o400, uid: 0, gid: 0, ...other }) as SandboxMount;

  describe('of layers', () => {
    it('show what a chain adds up to, or a part of it, through its own symlinks', async () => {
      const below = machine.layer({ 'app/a': 'below', 'app/kept': 'kept', etc: { link: '/nowhere' } });
      const top = machine.layer({ 'app/a': 'top', link: { link: '/app' }, up: { link: '../../../app/a' } });
      const layers = [top, below];
      const mounts: readonly SandboxMount[] = [
        { type: 'layers', layers, path: '', target: '/all', writable: false },
        { type: 'layers', layers, path: '/app', target: '/part', writable: false },
        { type: 'layers', layers, path: 'link', target: '/linked', writable: false },
        { type: 'layers', layers, path: '/up', target: '/etc/up', writable: false },
      ];
      const ran = await machine.sh(
        'cat /all/app/a /part/a /part/kept /linked/a /etc/up; readlink /all/etc; echo x > /part/a || echo refused; rm /etc/up || echo refused',
        { mounts },
      );
      expect(ran.stdout).toBe('toptopkepttoptop/nowhere\nrefused\nrefused\n');
      expect(written(ran)).toEqual([]);
    });

    it('take writes that nobody sees afterwards, the root included', async () => {
      const layer = machine.layer({ dir: null, file: 'before', 'sub/x': 'x' });
      chmodSync(layer, 0o711);
      const mounts: readonly SandboxMount[] = [
        { type: 'layers', layers: [layer], path: '', target: '/m', writable: true },
        { type: 'layers', layers: [layer], path: 'file', target: '/f', writable: true },
        { type: 'layers', layers: [layer, machine.base], path: '', target: '/other', writable: true },
      ];
      const ran = await machine.sh(
        'stat -c %a /m; echo after > /m/file; cat /m/file; rm /m/sub/x; ls /m/sub; echo more >> /f; cat /f; cat /other/file; echo; ls -d /other/bin',
        { mounts },
      );
      expect(ran.stdout).toBe('711\nafter\nbeforemore\nbefore\n/other/bin\n');
      expect(written(ran)).toEqual([]);
      expect(readFileSync(join(layer, 'file'), 'utf8')).toBe('before');
      expect(existsSync(join(layer, 'sub/x'))).toBe(true);
    });

    it('may be those of the root itself, or none at all', async () => {
      const mounts: readonly SandboxMount[] = [
        { type: 'layers', layers: [machine.base], path: 'bin', target: '/again', writable: false },
        { type: 'layers', layers: [], path: '', target: '/none', writable: true },
        { type: 'layers', layers: [], path: '', target: '/nothing', writable: false },
      ];
      const ran = await machine.sh('ls -d /again/cat; echo x > /none/x; ls /none /nothing', { mounts });
      expect(ran.stdout).toBe('/again/cat\n/none:\nx\n\n/nothing:\n');
    });

    it('fail the set-up where the path is not there, or leads nowhere inside', async () => {
      const outside = join(machine.directory, 'outside');
      writeFileSync(outside, 'CANARY');
      const layer = machine.layer({
        out: { link: outside },
        up: { link: `../../../..${outside}` },
        proc: { link: '/proc/self/root' },
      });
      for (const path of ['gone', 'out', 'up', 'proc', '../../../../etc/passwd']) {
        const mounts: readonly SandboxMount[] = [
          { type: 'layers', layers: [layer], path, target: '/m', writable: false },
        ];
        await expect(machine.sh('cat /m', { mounts }), path).rejects.toMatchObject({
          code: 'TBUILD_SANDBOX_SETUP',
          details: { operation: 'open the source of a mount', path },
        });
      }
    });
  });

  describe('of a directory of the machine', () => {
    it('can be a part of it, which no symlink leads out of', async () => {
      const source = machine.layer({
        'sub/file': 'inside',
        good: { link: 'sub' },
        abs: { link: '/sub' },
        out: { link: '../../..' },
      });
      const bind = (path: string): readonly SandboxMount[] => [
        { type: 'bind', source, path, target: '/m', writable: true },
      ];
      for (const path of ['sub', 'good', 'abs', '/sub', 'out/sub', '../sub']) {
        expect((await machine.sh('cat /m/file', { mounts: bind(path) })).stdout, path).toBe('inside');
      }
      await machine.sh('echo more > /m/more', { mounts: bind('good') });
      expect(readFileSync(join(source, 'sub/more'), 'utf8')).toBe('more\n');
      await expect(machine.sh('true', { mounts: bind('gone') })).rejects.toMatchObject({
        code: 'TBUILD_SANDBOX_SETUP',
      });
    });
  });

  describe('of memory', () => {
    it('have mode 1777, or that of the directory that they cover, a size, and may be read-only', async () => {
      const mounts: readonly SandboxMount[] = [
        { type: 'tmpfs', target: '/new', size: undefined, writable: true },
        { type: 'tmpfs', target: '/old', size: 65536, writable: true },
        { type: 'tmpfs', target: '/shut', size: undefined, writable: false },
      ];
      const tree = { 'old/file': 'x' };
      const ran = await machine.sh(
        'stat -c %a /new /old /shut; ls /old; dd if=/dev/zero of=/old/x bs=65536 count=2 2> /dev/null || echo full; echo x > /shut/x || echo refused; echo x > /new/x',
        { mounts, tree },
      );
      expect(ran.stdout).toBe('1777\n755\n1777\nfull\nrefused\n');
      expect(written(ran)).toEqual([]);
    });

    it('hide what they cover, /etc and /dev/shm too', async () => {
      const mounts: readonly SandboxMount[] = [
        { type: 'tmpfs', target: '/etc', size: undefined, writable: true },
        { type: 'tmpfs', target: '/dev/shm', size: 1048576, writable: true },
        { type: 'tmpfs', target: '/dev/more', size: undefined, writable: true },
        { type: 'tmpfs', target: '/sys', size: undefined, writable: true },
      ];
      const ran = await machine.sh(
        'ls -a /etc /sys; echo x > /etc/x; dd if=/dev/zero of=/dev/shm/x bs=1048576 count=2 2> /dev/null || echo full; ls -d /dev/more',
        { mounts },
      );
      expect(ran.stdout).toBe('/etc:\n.\n..\n\n/sys:\n.\n..\nfull\n/dev/more\n');
      expect(written(ran)).toEqual([]);
    });
  });

  describe('of secrets', () => {
    it('are files with a mode that cannot be changed, and leave nothing', async () => {
      const mounts = [
        secret('/run/secrets/one', 'first'),
        secret('/etc/two', 'second', { mode: 0o444 }),
        secret('/empty', ''),
      ];
      const ran = await machine.sh(
        'cat /run/secrets/one /etc/two /empty; stat -c %a.%u.%g /run/secrets/one /etc/two; echo x > /etc/two; chmod 777 /etc/two; rm /etc/two; mv /etc/two /x; cat /etc/two',
        { mounts },
      );
      expect(ran.stdout).toBe('firstsecond400.0.0\n444.0.0\nsecond');
      expect(written(ran)).toEqual([]);
      const { stdout } = await machine.sh('cat /proc/self/mountinfo', { mounts });
      expect(stdout).toMatch(/ \/etc\/two ro,nosuid,nodev,noexec,\S+ .*- ramfs /);
    });

    it('keep every byte', async () => {
      const content = Buffer.from(Array.from({ length: 500 * 1024 }, (_, i) => (i * 7) % 256));
      const mounts = [
        { type: 'secret', target: '/s', content, mode: 0o400, uid: 0, gid: 0 } as const,
        secret('/t', 't'),
      ];
      const ran = await machine.sh('sha256sum < /s; wc -c < /s; cat /t', { mounts });
      expect(ran.stdout).toBe(`${createHash('sha256').update(content).digest('hex')}  -\n512000\nt`);
    });

    it('belong to whom they are given', async () => {
      const given = machine.sh('stat -c %a.%u.%g /s; cat /s', { mounts: [secret('/s', 'x', { uid: 12, gid: 34 })] });
      if (isSingle) {
        await expect(given).rejects.toMatchObject({
          code: 'TBUILD_SANDBOX_SETUP',
          message: expect.stringContaining('12:34 is not mapped') as string,
        });
      } else {
        expect((await given).stdout).toBe('400.12.34\nx');
      }
    });

    it('are closed to other users', async () => {
      if (isSingle) return;
      const ran = await machine.sh('cat /s || echo closed', {
        mounts: [secret('/s', 'x')],
        user: { uid: 1000, gid: 1000, groups: [1000] },
      });
      expect(ran.stdout).toBe('closed\n');
    });
  });

  describe('of sockets', () => {
    it('reach who listens in the job directory', async () => {
      const job = machine.job();
      const server = createServer((connection) => {
        connection.on('error', () => undefined);
        connection.end('served');
      });
      await new Promise<void>((resolve) => void server.listen(join(job, 'agent'), resolve));
      if (mode.as !== undefined) chownSync(join(job, 'agent'), mode.as.uid, mode.as.gid);
      try {
        const mounts: readonly SandboxMount[] = [
          { type: 'socket', name: 'agent', target: '/run/agent', mode: 0o600, uid: 0, gid: 0 },
        ];
        const options = { job, mounts, network: 'none' } as const;
        const ran = await machine.sh('stat -c "%F %a %u" /run/agent; probe socket /run/agent; rm /run/agent', options);
        expect(ran.stdout).toBe('socket 600 0\nserved\n');
        expect(written(ran)).toEqual([]);
        if (!isSingle) {
          const user = { uid: 7, gid: 7, groups: [7] };
          const closed = await machine.sh('probe socket /run/agent', { ...options, user });
          expect(closed.stdout).toBe('EACCES\n');
          const given = mounts.map((mount) => ({ ...mount, uid: 7, gid: 8 }));
          const open = await machine.sh('stat -c %u:%g /run/agent; probe socket /run/agent', {
            ...options,
            mounts: given,
            user,
          });
          expect(open.stdout).toBe('7:8\nserved\n');
        }
      } finally {
        await new Promise((resolve) => server.close(resolve));
      }
    });
  });

  describe('in each other', () => {
    it('are mounted from the outside in, whatever the order in which they are given', async () => {
      const mounts: readonly SandboxMount[] = [
        secret('/a/b/secret', 's'),
        { type: 'tmpfs', target: '/a/b', size: undefined, writable: true },
        { type: 'tmpfs', target: '/a', size: undefined, writable: true },
        { type: 'tmpfs', target: '/a-b', size: undefined, writable: true },
      ];
      const ran = await machine.sh('cat /a/b/secret; echo x > /a/b/x; ls /a /a/b', { mounts });
      expect(ran.stdout).toBe('s/a:\nb\n\n/a/b:\nsecret\nx\n');
      expect(written(ran)).toEqual([]);
    });

    it('make what is missing in a writable one, and nothing in a read-only one', async () => {
      const source = machine.layer({ there: null });
      const nest = (target: string, writable: boolean): readonly SandboxMount[] => [
        { type: 'bind', source, target: '/m', writable },
        { type: 'tmpfs', target: `/m/${target}`, size: undefined, writable: true },
        secret('/m/there/secret', 's'),
      ];
      expect((await machine.sh('cat /m/there/secret; ls /m', { mounts: nest('new/deep', true) })).stdout).toBe(
        'snew\nthere\n',
      );
      expect(readdirSync(source, { recursive: true }).map(String).sort()).toEqual([
        'new',
        'new/deep',
        'there',
        'there/secret',
      ]);
      await expect(machine.sh('true', { mounts: nest('missing', false) })).rejects.toMatchObject({
        code: 'TBUILD_SANDBOX_SETUP',
        message: expect.stringContaining('what is mounted around it is read-only') as string,
      });
    });

    it('count once for each target, the last one', async () => {
      const mounts = [secret('/s', 'first'), secret('/x/../s/', 'last')];
      expect((await machine.sh('cat /s', { mounts })).stdout).toBe('last');
    });
  });

  describe('on what the image has', () => {
    it('go through its symlinks, never out of it', async () => {
      const tree = {
        real: null,
        link: { link: '/real' },
        dangling: { link: '/made/up' },
        climbing: { link: '../../../../real' },
      };
      for (const target of ['/link/m', '/dangling', '/dangling/m', '/climbing/m']) {
        const ran = await machine.sh(`cat ${target}`, { tree, mounts: [secret(target, 's')] });
        expect(ran.stdout, target).toBe('s');
        expect(written(ran)).toEqual([]);
      }
      const outside = machine.layer({ dangling: { link: 'nowhere' } });
      const ran = await machine.sh('cat /w/new', { tree: { w: { link: outside } }, mounts: [secret('/w/new', 's')] });
      expect(ran.stdout).toBe('s');
      expect(readdirSync(outside)).toEqual(['dangling']);
    });

    it('fit: directories on directories, files on files', async () => {
      const tree = { dir: null, file: 'x' };
      const layers = [machine.base];
      const wrong: readonly (readonly [SandboxMount, string])[] = [
        [secret('/dir', 's'), 'there is a directory in its place'],
        [{ type: 'tmpfs', target: '/file', size: undefined, writable: true }, 'something else than a directory'],
        [{ type: 'layers', layers, path: '', target: '/file', writable: false }, 'something else than a directory'],
        [secret('/file/below', 's'), 'ENOTDIR'],
      ];
      for (const [mount, message] of wrong) {
        await expect(machine.sh('true', { tree, mounts: [mount] }), mount.target).rejects.toMatchObject({
          code: 'TBUILD_SANDBOX_SETUP',
          message: expect.stringContaining(message) as string,
        });
      }
      const file = await machine.sh('cat /file /etc/hosts', {
        tree,
        mounts: [secret('/file', 's'), secret('/etc/hosts', 'h')],
      });
      expect(file.stdout).toBe('sh');
    });

    it('keep out of /proc', async () => {
      for (const target of ['/proc/new', '/link/new']) {
        const ran = machine.sh('true', { tree: { link: { link: '/proc' } }, mounts: [secret(target, 's')] });
        await expect(ran).rejects.toMatchObject({ code: 'TBUILD_SANDBOX_SETUP' });
      }
    });
  });
});
