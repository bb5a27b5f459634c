import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { lacks } from '../helpers/capabilities.ts';
import {
  data,
  encode,
  entry,
  header,
  helperProgram,
  mappedArguments,
  ownArguments,
  startRawHelper,
} from './raw-client.ts';
import { makeWorkspace } from './workspace.ts';

const uid = process.geteuid?.() ?? 0;
const gid = process.getegid?.() ?? 0;
const singleArguments = ['--userns=new', '--single', `--uid-map=0 ${uid} 1`, `--gid-map=0 ${gid} 1`];

describe('the helper', () => {
  it.skipIf(lacks('root'))('lives in the initial user namespace for root', async () => {
    await using helper = startRawHelper(['--userns=none']);
    const { last, fields } = await helper.call([['op', 'hello']]);
    expect(last).toBe('X');
    expect(Object.fromEntries(fields)).toEqual({
      pid: String(helper.child.pid),
      'uid-map': '0 0 4294967295',
      'gid-map': '0 0 4294967295',
      userns: 'none',
    });
  });

  it.skipIf(lacks('user-namespaces'))('makes a namespace of one id without any tool', async () => {
    await using helper = startRawHelper(singleArguments);
    const { fields } = await helper.call([['op', 'hello']]);
    expect(fields.get('userns')).toBe('single');
    expect(fields.get('uid-map')).toBe(`0 ${uid} 1`);
    expect(fields.get('gid-map')).toBe(`0 ${gid} 1`);
    expect(readFileSync(`/proc/${helper.child.pid}/uid_map`, 'utf8').trim().split(/\s+/)).toEqual(['0', `${uid}`, '1']);
  });

  it.skipIf(lacks('user-namespaces', 'ordinary-user', 'id-ranges'))('maps the ranges of a user', async () => {
    const argv = mappedArguments();
    await using helper = startRawHelper(argv);
    const { fields } = await helper.call([['op', 'hello']]);
    expect(fields.get('userns')).toBe('map');
    expect(argv).toContain(`--uid-map=${fields.get('uid-map')}`);
    expect(argv).toContain(`--gid-map=${fields.get('gid-map')}`);
  });

  it.skipIf(lacks('user-namespaces', 'tool:newuidmap'))(
    'answers every operation with what newuidmap said when it refuses',
    async () => {
      await using helper = startRawHelper(['--userns=new', '--uid-map=0 12345 7', `--gid-map=0 ${gid} 1`]);
      for (const op of ['hello', 'remove']) {
        const { last, fields } = await helper.call([['op', op]]);
        expect(last).toBe('!');
        expect(fields.get('op')).toBe('start');
        expect(fields.get('message')).toMatch(/newuidmap/);
      }
    },
  );

  it.each([
    [['--userns=other']],
    [['--userns=new']],
    [[]],
    [['--userns=none', '--uid-map=0 0 1', '--gid-map=0 0 1']],
    [['--userns=new', '--uid-map=0 0', '--gid-map=0 0 1']],
    [['--userns=none', 'x']],
  ])('refuses the arguments %j', async (argv) => {
    await using helper = startRawHelper(argv);
    const { last, fields } = await helper.call([['op', 'hello']]);
    expect([last, fields.get('op'), fields.get('errno')]).toEqual(['!', 'start', '22']);
  });

  it('runs from a sealed copy in memory, without environment, in a session of its own', async () => {
    await using helper = startRawHelper();
    await helper.call([['op', 'hello']]);
    const { pid } = helper.child;
    expect(readlinkSync(`/proc/${pid}/exe`)).toMatch(/^\/memfd:tbuild-helper/);
    expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).toBe('');
    expect(readdirSync(`/proc/${pid}/fd`).sort()).toEqual(['0', '1', '2', '3', '4']);
    expect(
      readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /, '')
        .split(' ')[3],
    ).toBe(String(pid));
  });

  it('ends when its control socket does, and takes its workers along', async () => {
    const helper = startRawHelper();
    const operation = helper.open();
    using workspace = makeWorkspace();
    operation.send(
      'R',
      encode([
        ['op', 'write'],
        ['diff', `${workspace.path}diff`],
      ]),
    );
    operation.send('E', entry(['path', 'file'], ['type', 'file'], ['size', '9']).payload);
    const worker = await childOf(helper.child.pid);
    expect(await helper.stop()).toBe(0);
    expect(await operation.answer()).toMatchObject({ last: undefined, frames: [] });
    expect(() => process.kill(worker, 0)).toThrow(/ESRCH/);
  });

  it('shows the death of a worker as the plain end of its socket, and goes on', async () => {
    await using helper = startRawHelper();
    const operation = helper.open();
    process.kill(await childOf(helper.child.pid), 'SIGKILL');
    expect(await operation.answer()).toMatchObject({ last: undefined, frames: [] });
    expect((await helper.call([['op', 'hello']])).last).toBe('X');
  });

  it('kills its workers when it is killed itself', async () => {
    const helper = startRawHelper();
    const operation = helper.open();
    const worker = await childOf(helper.child.pid);
    helper.child.kill('SIGKILL');
    await operation.answer();
    await helper.stop();
    expect(await isGone(worker)).toBe(true);
  });

  it('ends a worker whose operation was cancelled', async () => {
    await using helper = startRawHelper();
    using workspace = makeWorkspace();
    const operation = helper.open();
    operation.send(
      'R',
      encode([
        ['op', 'write'],
        ['diff', `${workspace.path}diff`],
      ]),
    );
    const worker = await childOf(helper.child.pid);
    operation.socket.destroy();
    expect(await isGone(worker)).toBe(true);
  });

  it('leaves no zombies', async () => {
    await using helper = startRawHelper();
    await Promise.all(Array.from({ length: 20 }, () => helper.call([['op', 'hello']])));
    await delay(20);
    expect(children(helper.child.pid)).toEqual([]);
  });

  it('runs operations side by side', async () => {
    await using helper = startRawHelper();
    const idle = helper.open();
    expect((await helper.call([['op', 'hello']])).last).toBe('X');
    idle.send('R', encode([['op', 'hello']]));
    expect((await idle.answer()).last).toBe('X');
  });

  it('ends at once where nobody holds the other end of its control socket', async () => {
    const child = spawn(helperProgram, ownArguments, {
      env: {},
      stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
    });
    child.stdio[3]?.destroy();
    expect((await once(child, 'exit'))[0]).toBe(0);
  });
});

describe('a malformed stream', () => {
  const cases: readonly (readonly [string, Buffer])[] = [
    ['a frame that is longer than 1 MiB', header('R', (1 << 20) + 1)],
    ['an unknown type of frame', header('q', 0)],
    ['bytes where there should be zeros', Buffer.from([0, 0, 0, 0, 82, 1, 0, 0])],
    ['a first frame that is no request', header('Z', 0)],
    ['fields without NUL', Buffer.concat([header('R', 8), Buffer.from('op=hello')])],
    ['a field without =', Buffer.concat([header('R', 3), Buffer.from('op\0')])],
    ['an empty request', header('R', 0)],
    ['an unknown operation', Buffer.concat([header('R', 6), Buffer.from('op=rm\0')])],
  ];

  it.each(cases)('with %s is answered with an error', async (_, bytes) => {
    await using helper = startRawHelper();
    const operation = helper.open();
    operation.socket.write(bytes);
    const { last, fields } = await operation.answer();
    expect([last, fields.get('op')]).toEqual(['!', 'protocol']);
  });

  it('that ends within a frame ends the worker without an answer', async () => {
    await using helper = startRawHelper();
    const operation = helper.open();
    operation.socket.end(header('R', 100));
    expect((await operation.answer()).frames).toEqual([]);
  });

  it('that goes on after a failure still gets the whole answer', async () => {
    await using helper = startRawHelper();
    const junk = Array.from({ length: 50 }, () => data(Buffer.alloc(65_536)));
    const { last, fields } = await helper.call([['op', 'nonsense']], junk);
    expect(last).toBe('!');
    expect(fields.get('message')).toMatch(/nonsense/);
  });
});

function children(pid: number | undefined): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
}

async function childOf(pid: number | undefined): Promise<number> {
  for (;;) {
    const [child] = children(pid);
    if (child !== undefined) return child;
    await delay(2);
  }
}

async function isGone(pid: number): Promise<boolean> {
  for (let attempt = 0; attempt < 1000; attempt++) {
    try {
      process.kill(pid, 0);
    } catch {
      return true;
    }
    await delay(10);
  }
  return false;
}
