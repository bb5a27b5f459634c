import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { decodeFields, encodeFields, encodeFrame, readFrames } from '../../../src/native/frames.ts';
import type { Frame } from '../../../src/native/frames.ts';
import { helperOperations } from '../../../src/native/helper-operations.ts';
import type { Helper } from '../../../src/native/helper-types.ts';
import { openOperation } from '../../../src/native/operation.ts';

/** A worker that a test plays: what it is sent, and what it answers. */
type Worker = (socket: Socket, frames: AsyncGenerator<Frame>) => Promise<void>;

let directory: string;
let server: Server;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tbuild-operation-'));
});
afterEach(() => {
  server.close();
  rmSync(directory, { recursive: true, force: true });
});

async function helperWith(worker: Worker): Promise<Omit<Helper, typeof Symbol.asyncDispose>> {
  const path = join(directory, 'socket');
  server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    const chunks = socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
    void worker(socket, readFrames(chunks)).catch(() => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const client = connect(path);
  await new Promise((resolve) => client.once('connect', resolve));
  return helperOperations((name, signal) => {
    expect(name).not.toBe('');
    return openOperation(client, name, { signal, lastWords: () => 'its last words' });
  });
}

const answer = (socket: Socket, type: string, fields: Parameters<typeof encodeFields>[0]): void =>
  void socket.write(encodeFrame(type, encodeFields(fields)));

const next = async (frames: AsyncGenerator<Frame>): Promise<ReadonlyMap<string, string>> => {
  const { value } = await frames.next();
  return value === undefined ? new Map() : decodeFields(value.payload);
};

describe('an operation of the helper', () => {
  test('sends its request and resolves with the result', async () => {
    const helper = await helperWith(async (socket, frames) => {
      expect(Object.fromEntries(await next(frames))).toEqual({ op: 'hello' });
      answer(socket, 'X', [
        ['pid', '7'],
        ['userns', 'map'],
      ]);
      socket.end();
    });
    expect(await helper.info()).toEqual({ pid: 7, userns: 'map' });
  });

  test.each([
    ['a file that is not there', 'openat', '2', 'TBUILD_IO'],
    ['a full disk', 'write', '28', 'TBUILD_IO'],
    ['an owner that is not mapped', 'chown', '22', 'TBUILD_CHOWN'],
    ['a device that only root makes', 'mknod', '1', 'TBUILD_DEVICE_NODE'],
    ['a name that no layer can hold', 'name', '0', 'TBUILD_LAYER'],
    ['a start that failed', 'start worker', '11', 'TBUILD_HELPER'],
  ])('reports %s as %s gave it', async (_, op, errno, code) => {
    const helper = await helperWith(async (socket) => {
      answer(socket, '!', [
        ['op', op],
        ['errno', errno],
        ['path', 'a/b'],
      ]);
      socket.end();
      return Promise.resolve();
    });
    await expect(helper.remove(['/x'])).rejects.toMatchObject({
      code,
      message: expect.stringContaining(`${op}: a/b`) as string,
      details: { operation: op, path: 'a/b' },
    });
  });

  test("fails with the helper's last words when the worker is gone", async () => {
    const helper = await helperWith((socket) => {
      socket.destroy();
      return Promise.resolve();
    });
    await expect(helper.remove(['/x'])).rejects.toMatchObject({
      code: 'TBUILD_HELPER',
      message: 'the helper ended during remove: its last words',
    });
  });

  test('rejects with the reason of an abort, once the worker has stopped', async () => {
    const abort = new AbortController();
    let hasStopped = false;
    const helper = await helperWith(async (socket, frames) => {
      await frames.next();
      abort.abort(new Error('enough'));
      // The end of the stream is the cancellation.
      for await (const _ of frames);
      await new Promise((resolve) => setTimeout(resolve, 20));
      hasStopped = true;
      socket.end();
    });
    const exporting = helper.export({ layers: ['/l'], destination: '/d', signal: abort.signal });
    await expect(exporting).rejects.toThrow('enough');
    expect(hasStopped).toBe(true);
  });

  test('read of an absent file is undefined, of an unreadable one an error', async () => {
    const absent = await helperWith((socket) => {
      answer(socket, '!', [
        ['op', 'openat'],
        ['errno', '2'],
      ]);
      socket.end();
      return Promise.resolve();
    });
    expect(await absent.read({ root: '/r', path: 'p', max: 1 })).toBeUndefined();
  });

  test('write streams entries and contents, and ends them with a mark', async () => {
    const seen: string[] = [];
    const helper = await helperWith(async (socket, frames) => {
      for await (const { type, payload } of frames) {
        seen.push(
          type === 'E'
            ? `E ${[...decodeFields(payload)].map((pair) => pair.join('=')).join(' ')}`
            : `${type} ${payload.length}`,
        );
        if (type === 'Z') break;
      }
      answer(socket, 'P', [
        ['event', 'changed'],
        ['path', 'f'],
        ['sha256', 'ab'],
        ['size', '3'],
      ]);
      socket.write(encodeFrame('L', Buffer.from('listing')));
      answer(socket, 'X', [
        ['sha256', 'aa'],
        ['state', 'bb'],
        ['size', '3'],
        ['entries', '1'],
      ]);
      socket.end();
    });
    const data = [Buffer.alloc(1 << 20), Buffer.alloc((1 << 20) + 5)];
    const size = data.reduce((sum, { length }) => sum + length, 0);
    const result = await helper.write({ diff: '/d', rootAttributes: { mode: 0o755, uid: 0, gid: 0, xattrs: {} } }, [
      { type: 'directory', path: 'd', mode: 0o700, uid: 1, gid: 2, mtime: undefined, opaque: true },
      {
        type: 'file',
        path: 'f',
        mode: 0o644,
        uid: 0,
        gid: 0,
        mtime: 5,
        xattrs: { 'user.a': '00' },
        content: { kind: 'stream', size, data: asyncly(data) },
      },
      { type: 'hardlink', path: 'h', link: 'f' },
      { type: 'whiteout', path: 'w' },
      { type: 'character', path: 'c', mode: 0o600, uid: 0, gid: 0, mtime: 0, major: 1, minor: 3 },
      {
        type: 'file',
        path: 'g',
        mode: 0o644,
        uid: 0,
        gid: 0,
        mtime: 1,
        content: {
          kind: 'copy',
          source: 1,
          path: 's',
          sha256: 'cc',
          expect: { size: 1n, mtimeNs: 2n, ctimeNs: 3n },
          verify: true,
        },
      },
    ]);
    expect(seen.slice(1)).toEqual([
      'E path=d type=directory mode=700 uid=1 gid=2 opaque=1',
      `E path=f type=file mode=644 uid=0 gid=0 mtime=5 xattr=user.a=00 size=${size}`,
      'D 1048576',
      'D 1048576',
      'D 5',
      'E path=h type=hardlink link=f',
      'E path=w type=whiteout',
      'E path=c type=character mode=600 uid=0 gid=0 mtime=0 major=1 minor=3',
      'E path=g type=file mode=644 uid=0 gid=0 mtime=1 from=1 source-path=s sha256=cc expect=1:2:3 verify=1',
      'Z 0',
    ]);
    expect(result).toMatchObject({ sha256: 'aa', diffId: undefined, changed: [{ path: 'f', sha256: 'ab', size: 3 }] });
    expect(result.listing.toString()).toBe('listing');
  });

  test('write fails when a content is shorter than announced, and when making entries fails', async () => {
    const failing: AsyncIterable<never> = {
      [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('cannot make entries')) }),
    };
    const silent: Worker = async (socket, frames) => {
      for await (const _ of frames);
      socket.end();
    };
    const options = { diff: '/d', rootAttributes: { mode: 0o755, uid: 0, gid: 0, xattrs: {} } };
    await expect((await helperWith(silent)).write(options, failing)).rejects.toThrow('cannot make entries');
    server.close();
    rmSync(join(directory, 'socket'), { force: true });
    const short = await helperWith(silent);
    const file = {
      type: 'file',
      path: 'f',
      mode: 0,
      uid: 0,
      gid: 0,
      mtime: 0,
      content: { kind: 'stream', size: 4, data: asyncly([Buffer.from('abc')]) },
    } as const;
    await expect(short.write(options, [file])).rejects.toMatchObject({ code: 'TBUILD_ARCHIVE' });
  });

  test('run passes output and standard input, and stops taking input when the command has ended', async () => {
    const received: string[] = [];
    const helper = await helperWith(async (socket, frames) => {
      await frames.next();
      answer(socket, 'P', [
        ['event', 'started'],
        ['pid', '9'],
      ]);
      for await (const { type, payload } of frames) {
        received.push(`${type} ${payload.toString()}`);
        if (received.includes('D in') && received.includes('S 15')) break;
      }
      socket.write(encodeFrame('O', Buffer.from('out')));
      socket.write(encodeFrame('e', Buffer.from('err')));
      answer(socket, 'X', [['signal', '9']]);
      socket.end();
    });
    let taken = 0;
    const endless = (async function* (): AsyncGenerator<Buffer> {
      for (;;) {
        taken++;
        yield Buffer.from('in');
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    })();
    const output: string[] = [];
    const outcome = await helper.run(
      { fields: [], mounts: [] },
      {
        stdin: endless,
        onOutput: (stream, chunk) => void output.push(`${stream} ${chunk.toString()}`),
        onStarted: ({ pid, kill }) => {
          expect(pid).toBe(9);
          kill(15);
        },
      },
    );
    expect(outcome).toEqual({ kind: 'signal', signal: 9 });
    expect(output).toEqual(['stdout out', 'stderr err']);
    expect([...new Set(received)].toSorted()).toEqual(['D in', 'S 15']);
    const before = taken;
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(taken).toBeLessThanOrEqual(before + 1);
  });
});

async function* asyncly(chunks: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* chunks;
}
