import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../helpers/capabilities.ts';
import { failure, openDiffBench, result } from './diff-bench.ts';
import type { DiffBench } from './diff-bench.ts';
import type { RawAnswer, RawField } from './raw-client.ts';

let bench: DiffBench;
beforeAll(() => void (bench = openDiffBench()));
afterAll(() => bench[Symbol.asyncDispose](), 60_000);

describe('read', () => {
  it('sends a regular file', async () => {
    const root = bench.makeSource({ 'sub/f': 'hello', big: 'y'.repeat(2_500_000), empty: '' });
    expect((await read(root, 'sub/f')).bytes('D').toString()).toBe('hello');
    const big = await read(root, 'big');
    expect(result(big)['size']).toBe('2500000');
    expect(big.bytes('D').equals(Buffer.alloc(2_500_000, 'y'))).toBe(true);
    expect(result(await read(root, 'empty'))['size']).toBe('0');
  });

  it('sends a part of one', async () => {
    const root = bench.makeSource({ f: '0123456789' });
    const part = async (...fields: RawField[]): Promise<string> =>
      (await read(root, 'f', '4', ...fields)).bytes('D').toString();
    expect(await part(['cut', '1'])).toBe('0123');
    expect(await part(['cut', '1'], ['offset', '3'])).toBe('3456');
    expect(await part(['offset', '6'])).toBe('6789');
    expect(await part(['cut', '1'], ['offset', '8'])).toBe('89');
    expect(await part(['offset', '1000'])).toBe('');
    expect(failure(await read(root, 'f', '4', ['offset', '5']))).toEqual(['read', 27]);
  });

  it('refuses what is larger than allowed, absent, not a file or elsewhere', async () => {
    const root = bench.makeSource({ f: 'hello' });
    symlinkSync('f', `${root}/link`);
    symlinkSync('/etc', `${root}/etc`);
    execFileSync('mkfifo', [`${root}/fifo`]);
    expect(failure(await read(root, 'f', '4'))).toEqual(['read', 27]);
    expect(failure(await read(root, 'none'))).toEqual(['open', 2]);
    expect(failure(await read(root, 'sub'))).toEqual(['open', 22]);
    expect(failure(await read(root, 'link'))).toEqual(['open', 22]);
    expect(failure(await read(root, 'fifo'))).toEqual(['open', 22]);
    expect(failure(await read(root, 'etc/passwd'))).toEqual(['open', 20]);
    expect(failure(await read(root, '../x'))).toEqual(['path', 22]);
    expect(failure(await read(root, '/etc/passwd'))).toEqual(['path', 22]);
  });
});

describe('remove', () => {
  it('removes trees and files, follows no symlink, and is content with what is absent', async () => {
    const root = bench.makeSource({ 'sub/f': '' });
    const other = bench.makeSource({ precious: '' });
    symlinkSync(other, `${root}/link`);
    symlinkSync(other, `${root}/sub/link`);
    mkdirSync(`${root}/sub/closed`);
    writeFileSync(`${root}/sub/closed/f`, '');
    chmodSync(`${root}/sub/closed`, 0);
    result(await remove(`${root}/sub`, `${root}/link`, `${root}/none`, '/nonexistent/parent/x'));
    expect(readdirSync(root)).toEqual([]);
    expect(readdirSync(other).sort()).toEqual(['precious', 'sub']);
  });

  it('removes trees deeper than a path can name', async () => {
    const root = `${bench.path}deep`;
    mkdirSync(root);
    // A shell would lose its way: its own idea of the current directory has a limit.
    const script =
      'import os, sys; os.chdir(sys.argv[1]); [(os.mkdir("dir"), os.chdir("dir")) for _ in range(3000)]; open("f", "w")';
    execFileSync('python3', ['-c', script, root]);
    result(await remove(root));
    expect(existsSync(root)).toBe(false);
  });

  it('goes on with the other paths after a failure', async () => {
    const root = bench.makeSource({ f: '' });
    expect(failure(await remove('relative', '/', `${root}/..`, `${root}/f`))).toEqual(['path', 22]);
    expect(existsSync(`${root}/f`)).toBe(false);
  });

  it.skipIf(lacks('root'))('enters no mount', async () => {
    const root = bench.makeSource({});
    const other = bench.makeSource({ precious: '' });
    execFileSync('mount', ['--bind', other, `${root}/sub`]);
    try {
      // A helper of its own: mounts made after its start do not reach the other's namespace.
      await using late = openDiffBench();
      const answer = await late.helper.call([
        ['op', 'remove'],
        ['path', root],
      ]);
      expect(failure(answer)).toEqual(['open', 18]);
      expect(existsSync(`${other}/precious`)).toBe(true);
    } finally {
      execFileSync('umount', [`${root}/sub`]);
    }
  });
});

async function read(root: string, path: string, max = '100000000', ...more: RawField[]): Promise<RawAnswer> {
  return await bench.helper.call([['op', 'read'], ['root', root], ['path', path], ['max', max], ...more]);
}

async function remove(...paths: string[]): Promise<RawAnswer> {
  return await bench.helper.call([['op', 'remove'], ...paths.map((path) => ['path', path] as const)]);
}
