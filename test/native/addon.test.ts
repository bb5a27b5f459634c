import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { release } from 'node:os';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NativeAddon } from '../../src/native/addon.ts';
import { loadAddon } from '../../src/native/load.ts';
import { packageRoot } from '../../src/native/package-root.ts';
import { makeWorkspace } from './workspace.ts';

const addon = loadAddon();
/** The same functions without their types, for calls that TypeScript would refuse. */
const untyped = addon as unknown as Record<Exclude<keyof NativeAddon, 'Sha256'>, (...args: unknown[]) => unknown>;

describe('probe', () => {
  it('reports kernel, user and capabilities as /proc shows them', () => {
    const status = readFileSync('/proc/self/status', 'utf8');
    expect(addon.probe()).toEqual({
      release: release(),
      machine: expect.stringMatching(/^(x86_64|aarch64)$/),
      bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
      uid: process.geteuid?.(),
      gid: process.getegid?.(),
      effectiveCapabilities: /^CapEff:\s*(\w+)$/m.exec(status)?.[1],
      seccompMode: Number(/^Seccomp:\s*(\d)$/m.exec(status)?.[1]),
    });
  });
});

describe('lock', () => {
  it('excludes another open file of the same path until it is released', () => {
    using workspace = makeWorkspace();
    const first = openSync(`${workspace.path}lock`, 'w');
    const second = openSync(`${workspace.path}lock`, 'r');
    expect(addon.lock(first, 'exclusive', false)).toBe(true);
    expect(addon.lock(second, 'exclusive', false)).toBe(false);
    expect(addon.lock(second, 'shared', false)).toBe(false);
    expect(addon.lock(first, 'shared', false)).toBe(true);
    expect(addon.lock(second, 'shared', true)).toBe(true);
    expect(addon.lock(first, 'exclusive', false)).toBe(false);
    expect(addon.lock(second, 'none', false)).toBe(true);
    expect(addon.lock(first, 'exclusive', false)).toBe(true);
    closeSync(first);
    expect(addon.lock(second, 'exclusive', true)).toBe(true);
    closeSync(second);
  });

  it('waits for a holder that lets go', () => {
    using workspace = makeWorkspace();
    const path = `${workspace.path}lock`;
    const fd = openSync(path, 'w');
    const script = `exec 9<>"$1"; flock 9; echo held; sleep 0.3`;
    const holder = spawnSync(
      'sh',
      [
        '-c',
        `(${script.replace('echo held;', 'echo held >"$1";')}) & while ! grep -q held "$1"; do sleep 0.01; done`,
        'sh',
        path,
      ],
      { stdio: 'ignore' },
    );
    expect(holder.status).toBe(0);
    expect(addon.lock(fd, 'exclusive', false)).toBe(false);
    expect(addon.lock(fd, 'exclusive', true)).toBe(true);
    closeSync(fd);
  });

  it('throws EBADF for a descriptor that is not open', () => {
    expect(() => addon.lock(987_654, 'shared', false)).toThrow(
      expect.objectContaining({ code: 'EBADF', errno: -9, syscall: 'flock' }),
    );
  });
});

describe('syncFilesystem', () => {
  it('resolves for an open descriptor and rejects with EBADF for another', async () => {
    using workspace = makeWorkspace();
    const fd = openSync(workspace.path, 'r');
    await expect(addon.syncFilesystem(fd)).resolves.toBeUndefined();
    closeSync(fd);
    await expect(addon.syncFilesystem(987_654)).rejects.toMatchObject({ code: 'EBADF' });
  });
});

describe('sockets', () => {
  it('are close-on-exec and closed by closeDescriptor', () => {
    const [ours, theirs] = addon.controlSocket();
    const operation = addon.startOperation(ours);
    for (const fd of [ours, theirs, operation]) {
      expect(fstatSync(fd).isSocket()).toBe(true);
      expect(flagsOf(fd) & 0o2000000).not.toBe(0);
      addon.closeDescriptor(fd);
      expect(() => fstatSync(fd)).toThrow(/EBADF/);
    }
    expect(() => addon.closeDescriptor(ours)).toThrow(expect.objectContaining({ code: 'EBADF' }));
  });

  it('give operations a non-blocking end', () => {
    const [ours, theirs] = addon.controlSocket();
    const operation = addon.startOperation(ours);
    expect(() => readSync(operation, Buffer.alloc(1))).toThrow(/EAGAIN/);
    for (const fd of [ours, theirs, operation]) addon.closeDescriptor(fd);
  });

  it('start no operation once the helper is gone', () => {
    const [ours, theirs] = addon.controlSocket();
    addon.closeDescriptor(theirs);
    expect(() => addon.startOperation(ours)).toThrow(expect.objectContaining({ code: 'EPIPE', syscall: 'sendmsg' }));
    addon.closeDescriptor(ours);
  });
});

describe('wrong arguments', () => {
  const odd: unknown[] = [undefined, null, -1, 1.5, NaN, 2 ** 40, 1n, '3', {}, [], Symbol('x'), () => 0, 'a\0b'];
  const lists: unknown[] = [
    undefined,
    null,
    7,
    'x',
    [1],
    [null],
    [{}],
    [{ pattern: 1, negated: true }],
    [{ pattern: 'x' }],
    ['a\0b'],
    [['a']],
  ];

  it.each(['closeDescriptor', 'startOperation', 'syncFilesystem'] as const)('of %s are TypeErrors', (name) => {
    for (const value of odd) expect(() => untyped[name](value), String(value)).toThrow(TypeError);
    expect(() => untyped[name]()).toThrow(TypeError);
  });

  it('of lock are TypeErrors', () => {
    for (const value of odd) {
      expect(() => untyped.lock(value, 'shared', false)).toThrow(TypeError);
      expect(() => untyped.lock(0, value, false)).toThrow(TypeError);
      expect(() => untyped.lock(0, 'shared', value)).toThrow(TypeError);
    }
  });

  it('of scanTree and hashFiles are TypeErrors', () => {
    for (const value of lists) {
      expect(() => untyped.scanTree('/', value), String(value)).toThrow(TypeError);
      expect(() => untyped.hashFiles('/', value === lists[3] ? null : value), String(value)).toThrow(TypeError);
    }
    for (const name of ['scanTree', 'hashFiles'] as const) {
      for (const value of odd.filter((one) => one !== '3')) expect(() => untyped[name](value, [])).toThrow(TypeError);
    }
  });

  it('pass on what a getter of theirs throws', () => {
    const rule = {
      negated: false,
      get pattern(): string {
        throw new RangeError('mine');
      },
    };
    expect(() => untyped.scanTree('/', [rule])).toThrow(/mine/);
  });
});

describe('Sha256', () => {
  it('is that of node:crypto, for strings and bytes in any pieces', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.uint8Array({ maxLength: 300 }))), (parts) => {
        const ours = new addon.Sha256();
        const theirs = createHash('sha256');
        for (const part of parts) {
          ours.update(part);
          theirs.update(part);
        }
        expect(ours.hex()).toBe(theirs.digest('hex'));
      }),
    );
  });

  it('answers as often as it is asked, and goes on', () => {
    const hash = new addon.Sha256().update('a');
    expect(hash.hex()).toBe(hash.hex());
    expect(hash.update('b').hex()).toBe(new addon.Sha256().update('ab').hex());
  });

  it('takes nothing but strings and bytes', () => {
    for (const value of [undefined, null, 1, {}, [1], new Uint16Array(2), new ArrayBuffer(2)]) {
      expect(() => new addon.Sha256().update(value as string)).toThrow(TypeError);
    }
    const update = new addon.Sha256().update as unknown as (bytes: string) => void;
    expect(() => update.call({}, 'a')).toThrow(TypeError);
  });
});

describe('worker threads', () => {
  it('load the addon too, and may end in the middle of its work', async () => {
    const script = `
      const { parentPort, workerData } = require('node:worker_threads');
      const addon = require(workerData);
      addon.scanTree('/usr/share', []);
      addon.hashFiles('/usr/bin', ['env']).then((bytes) => { parentPort.postMessage(bytes[0]); process.exit(); });`;
    const path = `${packageRoot()}/addon/build/Release/tbuild.node`;
    const results = await Promise.all(
      [1, 2, 3].map(
        () =>
          new Promise((resolve, reject) => {
            new Worker(script, { eval: true, workerData: path }).once('message', resolve).once('error', reject);
          }),
      ),
    );
    expect(results).toEqual([0, 0, 0]);
  });
});

function flagsOf(fd: number): number {
  return parseInt(/^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '', 8);
}
