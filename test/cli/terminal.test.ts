import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lacks } from '../helpers/capabilities.ts';
import { descendantsOf, helpersOf, survivors } from '../helpers/processes.ts';
import { programPath } from '../helpers/program.ts';
import { openShell } from '../helpers/shell.ts';
import type { Shell } from '../helpers/shell.ts';
import { cookedMode, openTerminal } from '../helpers/terminal.ts';
import type { TestTerminal } from '../helpers/terminal.ts';
import { makeRootfs } from '../integration/sandbox/rootfs.ts';

let shell: Shell;
beforeAll(async () => {
  shell = await openShell();
  const root = join(shell.directory, 'root');
  makeRootfs(root, ['bash', 'od']);
  execFileSync('tar', ['--owner=0', '--group=0', '-C', root, '-cf', `${root}.tar`, '.']);
  await shell.tbuild('import', '--change', 'ENV PATH=/bin PS1=inside>', `${root}.tar`, 'tools');
});
afterAll(() => shell[Symbol.dispose]());

const open = (...argv: string[]): Promise<TestTerminal> =>
  openTerminal([process.execPath, programPath, 'run', ...argv], { env: shell.environment });

const rawMode = '';

describe.skipIf(lacks('user-namespaces', 'overlay', 'tool:python3'))('tbuild run -i -t', () => {
  test('is a shell session: lines, Ctrl-C, Ctrl-Z, secrets, sizes, Ctrl-D, and the terminal as it was', async () => {
    using terminal = await open('--rm', '-it', 'tools', 'bash', '--norc');
    await terminal.expect(/inside>$/);
    expect(await terminal.mode()).toBe(rawMode);
    terminal.type('tty; stty size; echo $TERM\r');
    expect(await terminal.expect(/inside>$/)).toContain('\r\n/dev/pts/0\r\n24 80\r\nxterm\r\n');
    terminal.type('sleep 100\r');
    await terminal.expect(/sleep 100\r\n/);
    await delay(200);
    terminal.type('\u0003');
    expect(await terminal.expect(/inside>$/)).toContain('^C');
    terminal.type('sleep 100\r');
    await terminal.expect(/sleep 100\r\n/);
    await delay(200);
    terminal.type('\u001A');
    expect(await terminal.expect(/inside>$/)).toMatch(/Stopped +sleep 100/);
    terminal.type('fg\r');
    await terminal.expect(/fg\r\nsleep 100\r\n/);
    await delay(200);
    terminal.type('\u0003');
    expect(await terminal.expect(/inside>$/)).toContain('^C');
    terminal.type('read -s -p secret: text; echo "[$text]"\r');
    await terminal.expect(/secret:$/);
    terminal.type('geheim\r');
    expect(await terminal.expect(/inside>$/)).toMatch(/^(\r\n)?\[geheim\]\r\n/);
    terminal.resize(50, 132);
    terminal.type('sleep 0.3; stty size\r');
    expect(await terminal.expect(/inside>$/)).toContain('\r\n50 132\r\n');
    terminal.type('exit 7\r');
    const { status, mode, output } = await terminal.ended;
    expect({ status, mode }).toEqual({ status: 7, mode: cookedMode });
    expect(output).toMatch(/exit 7\r\nexit\r\n$/);
  });

  test('every byte passes unchanged in both directions when the command makes its terminal raw', async () => {
    const script = String.raw`stty raw -echo; echo ready; head -c 4 | od -An -tx1 | tr -d '\n'; printf 'a\nb\tc\ndone'`;
    using terminal = await open('--rm', '-it', 'tools', 'sh', '-c', script);
    await terminal.expect(/ready\n$/);
    terminal.type('\r\n\u0003\u0011');
    expect((await terminal.ended).output).toMatch(/^ready\n 0d 0a 03 11a\nb\tc\ndone$/);
  });

  test('what a command writes last is there, and what tbuild says then stands on lines of its own', async () => {
    using terminal = await open('-it', 'tools', 'sh', '-c', 'seq 1 5000; exit 3');
    const { status, mode, output } = await terminal.ended;
    expect({ status, mode }).toEqual({ status: 3, mode: cookedMode });
    const numbers = Array.from({ length: 5000 }, (_, index) => `${index + 1}\r\n`).join('');
    expect(output.slice(0, numbers.length)).toBe(numbers);
    expect(output.slice(numbers.length)).toMatch(/^container [0-9a-f]{64}: what it changed is in \S+\r\n$/);
  });

  test.each([
    ['there is no such program', ['tools', 'missing'], 127, /^exec missing: not found in PATH\r\n$/],
    ['there is no such image', ['nothing'], 125, /TBUILD_IMAGE_NOT_FOUND/],
    ['the sandbox cannot be set up', ['-w', '/bin/sh', 'tools', 'true'], 125, /TBUILD_SANDBOX_SETUP/],
  ])('the terminal is as it was when %s', async (_, argv, expected, said) => {
    using terminal = await open('--rm', '-it', ...argv);
    const { status, mode, output } = await terminal.ended;
    expect({ status, mode }).toEqual({ status: expected, mode: cookedMode });
    expect(output).toMatch(said);
  });

  test('the terminal is as it was when the helper is killed', async () => {
    using terminal = await open('--rm', '-it', 'tools', 'sh', '-c', 'echo ready; sleep 100');
    await terminal.expect(/ready/);
    const family = descendantsOf(terminal.pid);
    for (const { pid } of helpersOf(terminal.pid)) process.kill(pid, 'SIGKILL');
    const { status, mode, output } = await terminal.ended;
    expect({ status, mode }).toEqual({ status: 125, mode: cookedMode });
    expect(output).toContain('(TBUILD_HELPER)\r\n');
    expect(await survivors(family)).toEqual([]);
  });

  test.each(['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR2'] as const)(
    'the terminal is as it was when %s is passed on and ends the command',
    async (signal) => {
      using terminal = await open('--rm', '-it', 'tools', 'sh', '-c', 'echo ready; exec sleep 100');
      await terminal.expect(/ready/);
      process.kill(terminal.pid, signal);
      const numbers = { SIGTERM: 143, SIGINT: 130, SIGQUIT: 131, SIGHUP: 129, SIGUSR2: 140 };
      const { status, mode } = await terminal.ended;
      expect({ status, mode }).toEqual({ status: numbers[signal], mode: cookedMode });
    },
  );

  test('the terminal is as it was when a command that heeds no signal is killed by the second', async () => {
    const script = "trap 'echo no' TERM INT; echo ready; while :; do sleep 0.05; done";
    using terminal = await open('--rm', '-it', 'tools', 'sh', '-c', script);
    await terminal.expect(/ready/);
    process.kill(terminal.pid, 'SIGTERM');
    await terminal.expect(/no/);
    process.kill(terminal.pid, 'SIGTERM');
    const { status, mode } = await terminal.ended;
    expect({ status, mode }).toEqual({ status: 137, mode: cookedMode });
  });

  test('nothing inside can type into the terminal outside', async () => {
    using terminal = await open('--rm', '-it', 'tools', 'sh', '-c', 'probe tty; tty; echo over');
    // Where the kernel allows it at all, the terminal inside echoes what it is made to type.
    const { status, output, unread } = await terminal.ended;
    expect(output).toMatch(/^x?TIOCSTI \w+\r\n\/dev\/pts\/0\r\nover\r\n$/);
    expect({ status, unread }).toEqual({ status: 0, unread: 0 });
  });

  test('a terminal that is gone hangs up the command, which has a second to end', async () => {
    const trap = "trap 'echo bye; sleep 0.2; touch /mnt/said' HUP";
    const shared = join(shell.directory, 'shared');
    mkdirSync(shared);
    const script = `${trap}; echo ready; while :; do sleep 0.05; done`;
    using terminal = await open('--rm', '-it', '-v', `${shared}:/mnt`, 'tools', 'sh', '-c', script);
    await terminal.expect(/ready/);
    const family = descendantsOf(terminal.pid);
    expect(family.map(({ name }) => name)).toContain('tbuild-init');
    terminal.hangUp();
    expect((await terminal.ended).status).toBe(137);
    expect(existsSync(join(shared, 'said'))).toBe(true);
    expect(await survivors(family)).toEqual([]);
  });

  test('it is raw again after this process was stopped and the shell had the terminal', async () => {
    using terminal = await open('--rm', '-it', 'tools', 'sh', '-c', 'echo ready; read line; stty size; echo over');
    await terminal.expect(/ready/);
    process.kill(terminal.pid, 'SIGSTOP');
    await terminal.cook();
    expect(await terminal.mode()).toBe(cookedMode);
    terminal.resize(30, 90);
    process.kill(terminal.pid, 'SIGCONT');
    await expect.poll(() => terminal.mode()).toBe(rawMode);
    terminal.type('\r');
    const { output, mode } = await terminal.ended;
    expect(output).toMatch(/30 90\r\nover\r\n$/);
    expect(mode).toBe(cookedMode);
  });
});

describe.skipIf(lacks('user-namespaces', 'overlay', 'tool:python3'))('tbuild run with only one of -i and -t', () => {
  test('-t without -i leaves the terminal alone, and Ctrl-C there is a signal for the command', async () => {
    using terminal = await open('--rm', '-t', 'tools', 'sh', '-c', 'stty size; echo ready; exec sleep 100');
    expect(await terminal.expect(/ready/)).toContain('24 80');
    expect(await terminal.mode()).toBe(cookedMode);
    terminal.type('\u0003');
    expect((await terminal.ended).status).toBe(130);
  });

  test('-i without -t passes lines on, and Ctrl-D as the end', async () => {
    using terminal = await open('--rm', '-i', 'tools', 'sh', '-c', 'tty; cat; echo over');
    await terminal.expect(/not a tty/);
    expect(await terminal.mode()).toBe(cookedMode);
    terminal.type('a line\r');
    expect(await terminal.expect(/a line\r\na line/)).toBeDefined();
    terminal.type('\u0004');
    const { status, output } = await terminal.ended;
    expect(status).toBe(0);
    expect(output).toMatch(/over\r\n$/);
  });

  test('-t works without any terminal', async () => {
    const ran = await shell.tbuild('run', '--rm', '-t', 'tools', 'sh', '-c', 'tty; stty size; ls /missing; exit 2');
    expect(ran.status).toBe(2);
    expect(ran.stdout).toMatch(/^\/dev\/pts\/0\r\n0 0\r\nls: .*\/missing.*\r\n$/);
    expect(ran.stderr).toBe('');
  });

  test('-i and -t without a terminal are refused, as docker refuses them', async () => {
    const ran = await shell.tbuild('run', '--rm', '-it', 'tools', 'true');
    expect(ran.status).toBe(125);
    expect(ran.stderr).toMatch(/^ERROR: the input device is not a TTY\nhint: .*\n\(TBUILD_USAGE\)\n$/);
  });
});
