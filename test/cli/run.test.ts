import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lacks, missing } from '../helpers/capabilities.ts';
import { openShell } from '../helpers/shell.ts';
import type { Shell } from '../helpers/shell.ts';

let shell: Shell;
beforeAll(async () => {
  shell = await openShell();
  const context = shell.context({
    Dockerfile: 'FROM base\nENV A=image\nWORKDIR /work\nENTRYPOINT ["echo", "entry"]\nCMD ["command"]\n',
  });
  await shell.tbuild('-q', '-t', 'entry', context);
});
afterAll(() => shell[Symbol.dispose]());

const containers = (): string[] => {
  const directory = join(shell.directory, 'store/containers');
  return existsSync(directory) ? readdirSync(directory) : [];
};

/** First process of the sandbox that runs, once there is one. */
async function firstProcess(): Promise<number> {
  for (;;) {
    for (const id of containers()) {
      const { stdout } = await shell.tbuild('inspect', id);
      const [container] = JSON.parse(stdout) as [{ State: { Pid: number } }?];
      if (container !== undefined && container.State.Pid > 0) return container.State.Pid;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe.skipIf(lacks('user-namespaces', 'overlay'))('tbuild run', () => {
  test.each([
    ['of the command', ['base', 'sh', '-c', 'exit 7'], 7],
    ['0', ['base', 'true'], 0],
    ['127 for a program that is not there', ['base', 'missing'], 127],
    ['127 for a command without a name', ['base', ''], 127],
    ['126 for one that is no program', ['base', '/etc/passwd'], 126],
    ['125 for an image that is not there', ['missing'], 125],
    ['125 for a mistake', ['--frobnicate', 'base'], 125],
  ])('its exit status is %s', async (_, argv, expected) => {
    const { status } = await shell.tbuild('run', '--rm', ...argv);
    expect(status).toBe(expected);
    expect(containers()).toEqual([]);
  });

  test('its exit status is 128 and the number of the signal that ended the command', async () => {
    const child = shell.start('run', '--rm', 'base', 'sleep', '60');
    const done = new Promise((resolve) => child.once('close', resolve));
    const first = await firstProcess();
    process.kill(first, 'SIGKILL');
    expect(await done).toBe(137);
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
    ['SIGQUIT', 131],
    ['SIGUSR1', 138],
    ['SIGUSR2', 140],
  ] as const)(
    'passes %s on: a command that does not heed it ends at once, with status %i',
    async (signal, expected) => {
      const child = shell.start('run', '--rm', 'base', 'sh', '-c', 'echo started; sleep 30');
      const done = new Promise((resolve) => child.once('close', resolve));
      await new Promise((resolve) => child.stdout?.once('data', resolve));
      const sent = performance.now();
      child.kill(signal);
      expect(await done).toBe(expected);
      expect(performance.now() - sent).toBeLessThan(1000);
      expect(containers()).toEqual([]);
    },
  );

  test('a signal reaches the command although its input stands full and its output unread', async () => {
    const child = shell.start('run', '--rm', '-i', 'base', 'sh', '-c', 'echo started; sleep 30');
    const done = new Promise((resolve) => child.once('close', resolve));
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    child.stdin?.on('error', () => undefined);
    child.stdin?.write(Buffer.alloc(20_000_000));
    await new Promise((resolve) => setTimeout(resolve, 200));
    child.kill('SIGINT');
    expect(await done).toBe(130);
    child.stdin?.destroy();
  });

  test('the third signal does not wait for a reader of the output', async () => {
    const child = shell.start('run', '--rm', 'base', 'sh', '-c', 'echo started; exec cat /dev/zero');
    const done = new Promise((resolve) => child.once('exit', resolve));
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    child.stdout?.pause();
    await new Promise((resolve) => setTimeout(resolve, 500));
    for (const expected of [true, true, false]) {
      child.kill('SIGINT');
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(child.exitCode === null).toBe(expected);
    }
    expect(await done).toBe(130);
    expect(containers()).toEqual([]);
  });

  test('keeps the two streams apart', async () => {
    const ran = await shell.tbuild('run', '--rm', 'base', 'sh', '-c', 'echo out; ls /err');
    expect(ran).toMatchObject({ stdout: 'out\n', stderr: expect.stringContaining('/err') as string });
  });

  test.each([
    ['ENTRYPOINT and CMD', ['entry'], 'entry command\n'],
    ['ENTRYPOINT and arguments', ['entry', 'argument', '--rm'], 'entry argument --rm\n'],
    ['--entrypoint, which drops CMD', ['--entrypoint', 'pwd', 'entry'], '/work\n'],
    ['--entrypoint with arguments', ['--entrypoint=echo', 'entry', 'x'], 'x\n'],
    ['an empty --entrypoint', ['--entrypoint=', 'entry', 'echo', 'bare'], 'bare\n'],
    ['-w', ['-w', '/etc', '--entrypoint', 'pwd', 'entry'], '/etc\n'],
    ['-w with dots', ['-w', '/no/../etc/./x/', '--entrypoint', 'pwd', 'entry'], '/etc/x\n'],
    ['an empty -w', ['-w', '', '--entrypoint', 'pwd', 'entry'], '/work\n'],
    [
      '-e over the image, and a later one over an earlier',
      ['-e', 'A=1', '-eA=2', 'base', 'sh', '-c', 'echo $A'],
      '2\n',
    ],
    ['-e with everything behind the first =', ['-e', 'A=b=c', 'base', 'sh', '-c', 'echo $A'], 'b=c\n'],
    ['options behind -- as a command', ['--', 'base', 'echo', '--rm'], '--rm\n'],
  ])('%s', async (_, argv, output) => {
    expect(await shell.tbuild('run', '--rm', ...argv)).toEqual({ status: 0, stdout: output, stderr: '' });
  });

  test('-e NAME passes on what is set here, and sets nothing otherwise', async () => {
    const script = `tbuild run --rm -e HERE -e NOWHERE base env`;
    const { stdout } = await shell.sh(`HERE=1 ${script}`);
    expect(stdout).toMatch(/^HERE=1$/m);
    expect(stdout).not.toContain('NOWHERE');
  });

  test('-e NAME without a value here takes the variable of the image away', async () => {
    const { stdout } = await shell.tbuild('run', '--rm', '-e', 'A', '--entrypoint', 'env', 'entry');
    expect(stdout).toBe('PATH=/bin\nHOSTNAME=tbuild\nHOME=/root\n');
  });

  test('-t sets TERM, unless the image or -e does', async () => {
    const term = async (...argv: string[]): Promise<string> =>
      /^TERM=.*$/m.exec((await shell.tbuild('run', '--rm', ...argv, 'base', 'env')).stdout)?.[0] ?? 'none';
    expect(await term()).toBe('none');
    expect(await term('-t')).toBe('TERM=xterm');
    expect(await term('-t', '-e', 'TERM=vt100')).toBe('TERM=vt100');
    expect(await term('-t', '-e', 'TERM')).toBe('none');
  });

  test.each([
    ['-w with a relative path', ['-w', 'work', 'base', 'pwd'], 'the working directory "work" is not an absolute path'],
    ['an empty --entrypoint and no command', ['--entrypoint=', 'entry'], 'no command given'],
    ['-d', ['-d', 'base', 'true'], '--detach is not supported yet'],
    ['--name', ['--name', 'app', 'base', 'true'], '--name is not supported yet'],
    ['-p', ['-ip80:80', 'base', 'true'], '--publish is not supported yet'],
    ['-P', ['-P', 'base', 'true'], '--publish-all is not supported yet'],
  ])('refuses %s', async (_, argv, message) => {
    const { status, stdout, stderr } = await shell.tbuild('run', '--rm', ...argv);
    expect({ status, stdout }).toEqual({ status: 125, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/^hint: /m);
  });

  test('-u by number and by name', async () => {
    expect((await shell.tbuild('run', '--rm', '-u', '0:0', 'base', 'id')).stdout).toContain('uid=0');
    const unknown = await shell.tbuild('run', '--rm', '-u', 'stranger', 'base', 'id');
    expect(unknown.status).toBe(125);
    expect(unknown.stderr).toContain('there is no user "stranger"');
  });

  test('-i passes standard input on, and does not wait for who may still write', async () => {
    expect((await shell.tbuildWith('through\n', 'run', '--rm', '-i', 'base', 'cat')).stdout).toBe('through\n');
    const child = shell.start('run', '--rm', '-i', 'base', 'true');
    const status = await new Promise((resolve) => child.once('exit', resolve));
    child.stdin?.destroy();
    expect(status).toBe(0);
  });

  test('-v shows a directory, read-only with :ro', async () => {
    const shared = join(shell.directory, 'shared');
    mkdirSync(shared);
    writeFileSync(join(shared, 'file'), 'outside\n');
    const { stdout } = await shell.tbuild(
      'run',
      '--rm',
      '-v',
      `${shared}:/mnt/deep:ro`,
      'base',
      'cat',
      '/mnt/deep/file',
    );
    expect(stdout).toBe('outside\n');
    const written = await shell.tbuild('run', '--rm', '-v', `${shared}:/m:ro`, 'base', 'sh', '-c', 'echo x > /m/file');
    expect(written.status).not.toBe(0);
    expect(readFileSync(join(shared, 'file'), 'utf8')).toBe('outside\n');
  });

  test('without --rm what the command wrote is kept, told, inspected, and pruned', async () => {
    const { status, stderr } = await shell.tbuild('run', 'base', 'sh', '-c', 'echo kept > /kept; exit 3');
    expect(status).toBe(3);
    const [, id = '', directory = ''] = /^container ([0-9a-f]{64}): what it changed is in (.*)\n$/.exec(stderr) ?? [];
    expect(readFileSync(join(directory, 'kept'), 'utf8')).toBe('kept\n');
    const [container] = JSON.parse((await shell.tbuild('inspect', id.slice(0, 12))).stdout) as [object];
    expect(container).toMatchObject({
      Id: id,
      State: { Status: 'exited', ExitCode: 3 },
      GraphDriver: { Data: { UpperDir: directory } },
    });
    expect((await shell.tbuild('prune')).stdout).toContain(`Removed container ${id}\n`);
    expect(containers()).toEqual([]);
  });

  test.skipIf(process.getuid?.() !== 0 && missing('id-ranges') !== undefined)(
    'what it wrote is kept, and pruned, when the root of the image belongs to somebody else',
    async () => {
      await shell.tbuild('-q', '-t', 'owned', shell.context({ Dockerfile: 'FROM base\nRUN chown 1000:1000 /\n' }));
      const { status, stderr } = await shell.tbuild('run', 'owned', 'touch', '/kept');
      expect(status).toBe(0);
      const [, directory = ''] = /it changed is in (.*)\n$/.exec(stderr) ?? [];
      expect(readdirSync(directory)).toEqual(['kept']);
      expect((await shell.tbuild('prune')).stdout).toContain('Removed container');
      expect(containers()).toEqual([]);
    },
  );

  test('one that runs is not pruned', async () => {
    const child = shell.start('run', '--rm', 'base', 'sh', '-c', 'echo started; sleep 30');
    const done = new Promise((resolve) => child.once('close', resolve));
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    expect((await shell.tbuild('prune')).stdout).not.toContain('container');
    const [id = ''] = containers();
    const [container] = JSON.parse((await shell.tbuild('inspect', id)).stdout) as [object];
    expect(container).toMatchObject({ State: { Status: 'running', Running: true } });
    child.kill('SIGTERM');
    expect(await done).toBe(143);
    expect(containers()).toEqual([]);
  });
});
