import { execFileSync } from 'node:child_process';
import { lstatSync, readFileSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../helpers/capabilities.ts';
import { lines, openDiffBench, result, xattrsOnDisk } from './diff-bench.ts';
import type { DiffBench } from './diff-bench.ts';
import { directory, parent, streamed, streamedBytes } from './frames.ts';
import { data, endOfInput, entry } from './raw-client.ts';
import { makeWorkspace, sha256 } from './workspace.ts';

let bench: DiffBench;
beforeAll(() => void (bench = openDiffBench()));
afterAll(() => bench[Symbol.asyncDispose](), 60_000);

describe('entries of write', () => {
  it('become what the listing says', async () => {
    const answer = await bench.write([
      directory('d', ['mode', '1770'], ['mtime', '100']),
      ...streamed('d/file', 'hello', ['mode', '4751'], ['mtime', '-7']),
      entry(['path', 'd/link'], ['type', 'symlink'], ['link', '../é x'], ['mtime', '3']),
      entry(['path', 'd/pipe'], ['type', 'fifo'], ['mode', '640'], ['mtime', '4']),
      entry(['path', 'd/again'], ['type', 'hardlink'], ['link', 'd/file']),
      entry(['path', 'gone'], ['type', 'whiteout']),
    ]);
    expect(lines(answer)).toEqual([
      'd d 1770 0 0 100',
      `d/again f 4751 0 0 -7 size=5 sha256=${sha256('hello')}`,
      `d/file f 4751 0 0 -7 size=5 sha256=${sha256('hello')} hard=d/again`,
      'd/link l 777 0 0 3 link=../%C3%A9%20x',
      'd/pipe p 640 0 0 4',
      'gone w',
    ]);
    expect(result(answer)).toMatchObject({ entries: '6', size: '5', sha256: sha256(answer.bytes('L')) });
    expect(lstatSync(`${bench.diff}/d`)).toMatchObject({ mode: 0o41770, mtimeMs: 100_000 });
    expect(lstatSync(`${bench.diff}/d/file`)).toMatchObject({ mode: 0o104751, mtimeMs: -7000, nlink: 2 });
    expect(lstatSync(`${bench.diff}/d/again`).ino).toBe(lstatSync(`${bench.diff}/d/file`).ino);
    expect(readlinkSync(`${bench.diff}/d/link`)).toBe('../é x');
    expect(lstatSync(`${bench.diff}/d/link`).mtimeMs).toBe(3000);
    expect(lstatSync(`${bench.diff}/d/pipe`)).toMatchObject({ mode: 0o10640, mtimeMs: 4000 });
    expect(lstatSync(`${bench.diff}/gone`).isCharacterDevice()).toBe(true);
    expect(lstatSync(`${bench.diff}/gone`).rdev).toBe(0);
  });

  it('have names of any bytes, escaped in the listing', async () => {
    const name = Buffer.from([0xff, 0x20, 0x0a, 0x25, 0xe9, 0x7f]);
    const answer = await bench.write(streamedBytes(name, 'x', ['mtime', '1']));
    expect(lines(answer)).toEqual([`%FF%20%0A%25%E9%7F f 644 0 0 1 size=1 sha256=${sha256('x')}`]);
    expect(readdirSync(bench.diff, 'buffer' as never)).toEqual([name]);
  });

  it('are sorted by the bytes of their whole path', async () => {
    const answer = await bench.write([
      directory('a'),
      directory('a-b'),
      ...streamed('a/z', ''),
      ...streamed('a-b/c', ''),
      ...streamed('a.b', ''),
      ...streamed('Z', ''),
      ...streamed('é', ''),
    ]);
    expect(lines(answer).map((line) => line.split(' ')[0])).toEqual(['Z', 'a', 'a-b', 'a-b/c', 'a.b', 'a/z', '%C3%A9']);
  });

  it('give a parent the newest time below it on disk, and no time in the listing', async () => {
    const answer = await bench.write([
      parent('usr'),
      parent('usr/bin'),
      ...streamed('usr/bin/x', '', ['mtime', '500']),
      ...streamed('usr/y', '', ['mtime', '400']),
      parent('var'),
    ]);
    expect(lines(answer)[0]).toBe('usr d 755 0 0 - parent=1');
    expect(statSync(`${bench.diff}/usr`).mtimeMs).toBe(500_000);
    expect(statSync(`${bench.diff}/usr/bin`).mtimeMs).toBe(500_000);
    expect(statSync(`${bench.diff}/var`).mtimeMs).toBe(0);
  });

  it('take the time of the epoch all together', async () => {
    const answer = await bench.write(
      [directory('d', ['mtime', '9']), ...streamed('d/f', 'x', ['mtime', '8']), parent('p'), ...streamed('p/f', '')],
      ['epoch', '1234'],
    );
    expect(lines(answer).map((line) => line.split(' ')[5])).toEqual(['1234', '1234', '-', '1234']);
    for (const name of ['', 'd', 'd/f', 'p', 'p/f'])
      expect(statSync(`${bench.diff}/${name}`).mtimeMs, name).toBe(1_234_000);
  });

  it('keep escaped what overlayfs would take for its own', async () => {
    const answer = await bench.write([
      ...streamed('f', '', ['mtime', '1'], ['xattr', 'user.overlay.opaque=79'], ['xattr', 'user.a=00ff']),
      directory('d', ['mtime', '1'], ['opaque', '1'], ['xattr', 'user.overlay.overlay.x=']),
    ]);
    expect(lines(answer)).toEqual([
      'd d 755 0 0 1 opaque=1 x:user.overlay.overlay.x=',
      `f f 644 0 0 1 size=0 sha256=${sha256('')} x:user.a=00ff x:user.overlay.opaque=79`,
    ]);
    expect(xattrsOnDisk(`${bench.diff}/f`)).toEqual({ 'user.a': '00ff', 'user.overlay.overlay.opaque': '79' });
    expect(xattrsOnDisk(`${bench.diff}/d`)).toEqual({
      'user.overlay.opaque': '79',
      'user.overlay.overlay.overlay.x': '',
    });
  });

  it('write a file capability of a user namespace as one of an image', async () => {
    const v3 = '010000030004000000000000000000000000000070000000';
    const v2 = '0100000200040000000000000000000000000000';
    const answer = await bench.write(streamed('f', '', ['mtime', '1'], ['xattr', `security.capability=${v3}`]));
    expect(lines(answer)[0]).toContain(`x:security.capability=${v2}`);
  });

  it('set the root aside unless they change it', async () => {
    const same = await bench.write([directory('.', ['mode', '755'])]);
    expect(lines(same)).toEqual([]);
    expect(result(same)).toMatchObject({ diffid: sha256(Buffer.alloc(1024)), 'tar-size': '1024', sha256: sha256('') });
    const changed = await bench.write([directory('.', ['mode', '700'], ['mtime', '5'])]);
    expect(lines(changed)).toEqual(['. d 700 0 0 5']);
    expect(statSync(bench.diff)).toMatchObject({ mode: 0o40700, mtimeMs: 5000 });
  });

  it('start from the attributes of the root below', async () => {
    await bench.write([], ['root-mode', '1777'], ['root-xattr', 'user.r=01']);
    expect(statSync(bench.diff).mode & 0o7777).toBe(0o1777);
    expect(xattrsOnDisk(bench.diff)).toEqual({ 'user.r': '01' });
  });

  it('carry megabytes of content in many frames', async () => {
    const bytes = Buffer.from(Array.from({ length: 3_000_001 }, (_, index) => (index * 7) & 255));
    const parts = [0, 1, 2].map((part) => data(bytes.subarray(part << 20, (part + 1) << 20)));
    const answer = await bench.write([
      entry(['path', 'big'], ['type', 'file'], ['mode', '600'], ['size', '3000001'], ['mtime', '1']),
      ...parts,
    ]);
    expect(lines(answer)).toEqual([`big f 600 0 0 1 size=3000001 sha256=${sha256(bytes)}`]);
    expect(readFileSync(`${bench.diff}/big`).equals(bytes)).toBe(true);
  });

  it('come by the thousand', async () => {
    const names = Array.from({ length: 5000 }, (_, index) => `d/${index % 10}/${index}`);
    const answer = await bench.write([
      directory('d'),
      ...Array.from({ length: 10 }, (_, index) => directory(`d/${index}`)),
      ...names.flatMap((name) => streamed(name, name)),
    ]);
    expect(result(answer)['entries']).toBe('5011');
    expect(readdirSync(`${bench.diff}/d/7`)).toHaveLength(500);
  });
});

describe('a later entry of write', () => {
  it('sets the attributes of a directory that is there', async () => {
    const answer = await bench.write([
      directory('d', ['mode', '755'], ['mtime', '1']),
      ...streamed('d/f', '', ['mtime', '1']),
      directory('d', ['mode', '700'], ['mtime', '2']),
      parent('d'),
    ]);
    expect(lines(answer)).toEqual(['d d 700 0 0 2', `d/f f 644 0 0 1 size=0 sha256=${sha256('')}`]);
  });

  it('of another kind replaces what is there with all below it', async () => {
    const answer = await bench.write([
      directory('d'),
      directory('d/e'),
      ...streamed('d/e/f', 'x'),
      ...streamed('d-', '', ['mtime', '1']),
      ...streamed('d', 'now a file', ['mtime', '2']),
      entry(['path', 'l'], ['type', 'symlink'], ['link', 'd']),
      directory('l', ['mtime', '3']),
      ...streamed('l/in', '', ['mtime', '4']),
      ...streamed('twice', 'one'),
      ...streamed('twice', 'two', ['mtime', '5']),
    ]);
    expect(lines(answer).map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
      'd f',
      'd- f',
      'l d',
      'l/in f',
      'twice f',
    ]);
    expect(readFileSync(`${bench.diff}/d`, 'utf8')).toBe('now a file');
    expect(readFileSync(`${bench.diff}/twice`, 'utf8')).toBe('two');
  });

  it('replaces one name of a hard-link group and leaves the other', async () => {
    const answer = await bench.write([
      ...streamed('a', 'one', ['mtime', '1']),
      entry(['path', 'b'], ['type', 'hardlink'], ['link', 'a']),
      ...streamed('a', 'two', ['mtime', '1']),
    ]);
    expect(lines(answer)).toEqual([
      `a f 644 0 0 1 size=3 sha256=${sha256('two')}`,
      `b f 644 0 0 1 size=3 sha256=${sha256('one')}`,
    ]);
  });
});

describe.skipIf(lacks('root'))('write as root', () => {
  it('makes device nodes and gives owners, without losing set-id bits or capabilities', async () => {
    const capability = '0100000200040000000000000000000000000000';
    const answer = await bench.write([
      directory('d', ['uid', '7'], ['gid', '8'], ['mode', '2755'], ['mtime', '1']),
      entry(['path', 'd/null'], ['type', 'character'], ['mode', '666'], ['major', '1'], ['minor', '3'], ['mtime', '1']),
      entry(
        ['path', 'd/disk'],
        ['type', 'block'],
        ['mode', '660'],
        ['gid', '6'],
        ['major', '259'],
        ['minor', '70000'],
        ['mtime', '1'],
      ),
      ...streamed(
        'd/ping',
        '',
        ['uid', '3000000000'],
        ['gid', '5'],
        ['mode', '6755'],
        ['xattr', `security.capability=${capability}`],
        ['mtime', '1'],
      ),
      entry(['path', 'd/link'], ['type', 'symlink'], ['link', 'x'], ['uid', '9'], ['mtime', '1']),
    ]);
    expect(lines(answer)).toEqual([
      'd d 2755 7 8 1',
      'd/disk b 660 0 6 1 dev=259:70000',
      'd/link l 777 9 0 1 link=x',
      'd/null c 666 0 0 1 dev=1:3',
      `d/ping f 6755 3000000000 5 1 size=0 sha256=${sha256('')} x:security.capability=${capability}`,
    ]);
    expect(lstatSync(`${bench.diff}/d/ping`)).toMatchObject({ uid: 3_000_000_000, gid: 5, mode: 0o106755 });
    expect(lstatSync(`${bench.diff}/d/link`).uid).toBe(9);
    const listed = await bench.commit(bench.diff);
    expect(lines(listed)).toEqual(lines(answer));
  });

  it('is not bent by a set-group-ID store directory', async () => {
    using other = makeWorkspace();
    execFileSync('chgrp', ['100', other.path]);
    execFileSync('chmod', ['2755', other.path]);
    const diff = `${other.path}diff`;
    const frames = [directory('d'), ...streamed('d/f', ''), endOfInput];
    result(
      await bench.helper.call(
        [
          ['op', 'write'],
          ['diff', diff],
          ['root-mode', '755'],
        ],
        frames,
      ),
    );
    for (const name of ['', '/d', '/d/f']) {
      expect([lstatSync(diff + name).gid, lstatSync(diff + name).mode & 0o2000], name).toEqual([0, 0]);
    }
  });
});
