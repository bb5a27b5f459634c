import type { ChildProcess } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lacks } from '../helpers/capabilities.ts';
import { openShell } from '../helpers/shell.ts';
import type { Shell } from '../helpers/shell.ts';

let shell: Shell;
beforeAll(async () => {
  shell = await openShell();
});
afterAll(() => shell[Symbol.dispose]());

const ended = (child: ChildProcess): Promise<{ status: number | null; stderr: string }> =>
  new Promise((resolve) => {
    let stderr = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.once('close', (status) => resolve({ status, stderr }));
  });

const output = (child: ChildProcess, wanted: string): Promise<void> =>
  new Promise((resolve) => {
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes(wanted)) resolve();
    });
  });

describe('a standard output that nobody reads any more', () => {
  test('of a list ends it quietly, with the status of SIGPIPE', async () => {
    const child = shell.start('images');
    child.stdout?.destroy();
    expect(await ended(child)).toEqual({ status: 141, stderr: '' });
  });

  test.skipIf(lacks('user-namespaces', 'overlay'))('of a command in an image ends the command', async () => {
    const child = shell.start(
      'run',
      '--rm',
      'base',
      'sh',
      '-c',
      'echo first; sleep 0.2; echo second; sleep 0.5; echo third; sleep 30',
    );
    await output(child, 'first');
    child.stdout?.destroy();
    expect(await ended(child)).toEqual({ status: 141, stderr: '' });
  });

  test.skipIf(lacks('user-namespaces', 'overlay'))('of an archive ends the build without a stack', async () => {
    const context = shell.context({ Dockerfile: 'FROM base\n' });
    const child = shell.start('-q', '-o', 'type=oci', context);
    child.stdout?.once('data', () => child.stdout?.destroy());
    expect(await ended(child)).toEqual({ status: 141, stderr: '' });
  });

  test('a full disk is said, with status 1', async () => {
    const { status, stderr } = await shell.sh('tbuild images > /dev/full');
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: 'standard output cannot be written: ENOSPC: no space left on device, write\n',
    });
  });
});

describe.skipIf(lacks('user-namespaces', 'overlay'))('a signal', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('%s stops all stages of a build, cleans up, and ends with %i', async (signal, expected) => {
    const context = shell.context({
      Dockerfile: 'FROM base AS a\nRUN echo up; sleep 60\nFROM base\nRUN sleep 60\nCOPY --from=a /x /x\n',
    });
    const child = shell.start('-t', 'interrupted', context);
    const end = ended(child);
    await output(child, '\nup\n');
    child.kill(signal);
    expect(await end).toEqual({ status: expected, stderr: `interrupted by ${signal}\n` });
    expect(readdirSync(join(shell.directory, 'store/tmp'))).toEqual([]);
    expect((await shell.tbuild('inspect', 'interrupted')).status).toBe(1);
  });
});

describe.skipIf(lacks('user-namespaces', 'overlay'))('a failing step among parallel stages', () => {
  test('stops the others at once, is the one that is reported, and leaves nothing in tmp/', async () => {
    const context = shell.context({
      Dockerfile:
        'FROM base AS slow\nRUN sleep 60\nFROM base AS broken\nRUN sleep 0.3; exit 5\nFROM base\nCOPY --from=slow /x /x\nCOPY --from=broken /y /y\n',
    });
    const started = Date.now();
    const { status, stderr } = await shell.tbuild(context);
    expect(Date.now() - started).toBeLessThan(30_000);
    expect(status).toBe(1);
    expect(stderr).toContain('returned a non-zero code: 5\n');
    expect(stderr.match(/ERROR/g)).toHaveLength(1);
    expect(readdirSync(join(shell.directory, 'store/tmp'))).toEqual([]);
  });
});
