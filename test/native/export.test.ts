import { lstatSync, mkdirSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../helpers/capabilities.ts';
import { events, failure, openDiffBench, result, xattrsOnDisk } from './diff-bench.ts';
import type { DiffBench } from './diff-bench.ts';
import { directory, streamed } from './frames.ts';
import { entry } from './raw-client.ts';
import type { RawAnswer, RawFrame } from './raw-client.ts';

let bench: DiffBench;
let destination: string;
let count = 0;
beforeAll(() => void (bench = openDiffBench()));
afterAll(() => bench[Symbol.asyncDispose](), 60_000);

describe('export', () => {
  it('copies what the layers add up to', async () => {
    result(
      await exported(
        [
          directory('d', ['mode', '750'], ['mtime', '10']),
          ...streamed('d/base', 'base', ['mtime', '11']),
          ...streamed('d/both', 'below'),
          ...streamed('d/deleted', ''),
          directory('hidden'),
          ...streamed('hidden/below', ''),
          directory('to-file'),
          ...streamed('to-file/x', ''),
          ...streamed('to-directory', ''),
          directory('removed'),
          ...streamed('removed/x', ''),
        ],
        [
          directory('d', ['mode', '700'], ['mtime', '20']),
          ...streamed('d/both', 'above'),
          entry(['path', 'd/deleted'], ['type', 'whiteout']),
          directory('hidden', ['opaque', '1']),
          ...streamed('hidden/above', ''),
          ...streamed('to-file', 'file'),
          directory('to-directory'),
          entry(['path', 'removed'], ['type', 'whiteout']),
          entry(['path', 'link'], ['type', 'symlink'], ['link', 'd/base'], ['mtime', '21']),
          entry(['path', 'fifo'], ['type', 'fifo'], ['mode', '620']),
        ],
        [directory('d', ['mode', '711'], ['mtime', '30']), ...streamed('d/top', '')],
      ),
    );
    expect(tree(destination)).toEqual([
      'd',
      'd/base',
      'd/both',
      'd/top',
      'fifo',
      'hidden',
      'hidden/above',
      'link',
      'to-directory',
      'to-file',
    ]);
    expect(readFileSync(`${destination}/d/both`, 'utf8')).toBe('above');
    expect(lstatSync(`${destination}/d`)).toMatchObject({ mode: 0o40711, mtimeMs: 30_000 });
    expect(lstatSync(`${destination}/d/base`).mtimeMs).toBe(11_000);
    expect(readlinkSync(`${destination}/link`)).toBe('d/base');
    expect(lstatSync(`${destination}/fifo`).mode).toBe(0o10620);
  });

  it('shows what a directory recreated above a whiteout holds, and nothing below it', async () => {
    result(
      await exported(
        [directory('d'), ...streamed('d/oldest', '')],
        [entry(['path', 'd'], ['type', 'whiteout'])],
        [directory('d'), ...streamed('d/new', '')],
      ),
    );
    expect(tree(destination)).toEqual(['d', 'd/new']);
  });

  it('keeps hard links and extended attributes, and none of the marks of overlayfs', async () => {
    result(
      await exported([
        ...streamed('a', 'x', ['xattr', 'user.note=01'], ['xattr', 'user.overlay.mine=02']),
        entry(['path', 'b'], ['type', 'hardlink'], ['link', 'a']),
        directory('o', ['opaque', '1']),
      ]),
    );
    expect(lstatSync(`${destination}/a`).nlink).toBe(2);
    expect(xattrsOnDisk(`${destination}/b`)).toEqual({ 'user.note': '01', 'user.overlay.mine': '02' });
    expect(xattrsOnDisk(`${destination}/o`)).toEqual({});
  });

  it('of no layer at all is empty, and needs a destination', async () => {
    expect(result(await exported())).toEqual({ 'not-set': '0', size: '0' });
    expect(readdirSync(destination)).toEqual([]);
    expect(
      failure(
        await bench.helper.call([
          ['op', 'export'],
          ['destination', '/nonexistent/x'],
        ]),
      ),
    ).toEqual(['open', 2]);
  });

  it('refuses a destination that has one of the names', async () => {
    await exported(streamed('f', ''));
    const answer = await bench.helper.call([
      ['op', 'export'],
      ['layer', bench.diff],
      ['destination', destination],
    ]);
    expect(failure(answer)).toEqual(['create', 17]);
  });

  it.skipIf(lacks('root'))('sets owners and makes devices for root', async () => {
    const answer = await exported([
      ...streamed('f', 'content', ['uid', '5'], ['gid', '6'], ['mode', '4755']),
      entry(['path', 'null'], ['type', 'character'], ['mode', '666'], ['major', '1'], ['minor', '3']),
    ]);
    expect(result(answer)).toEqual({ 'not-set': '0', size: '7' });
    expect(events(answer)).toEqual([]);
    expect(lstatSync(`${destination}/f`)).toMatchObject({ uid: 5, gid: 6, mode: 0o104755 });
    expect(lstatSync(`${destination}/null`)).toMatchObject({ rdev: 0x103, mode: 0o20666 });
  });
});

/** Writes the layers, lowest first, and exports them. */
async function exported(...layers: readonly RawFrame[][]): Promise<RawAnswer> {
  const paths: string[] = [];
  for (const frames of layers) {
    result(await bench.write(frames));
    paths.unshift(bench.diff);
  }
  destination = `${bench.path}destination${count++}`;
  mkdirSync(destination);
  return await bench.helper.call([
    ['op', 'export'],
    ['destination', destination],
    ...paths.map((path) => ['layer', path] as const),
  ]);
}

function tree(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' }).sort();
}
