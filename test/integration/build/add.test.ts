import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lacks } from '../../helpers/capabilities.ts';
import { openWorkshop } from '../../helpers/workshop.ts';
import type { Workshop } from '../../helpers/workshop.ts';
import { buildImage, directory, file, symlink } from './image-tree.ts';

let workshop: Workshop;
let context: string;
beforeAll(async () => {
  workshop = await openWorkshop();
  context = workshop.context({ plain: 'p' });
  makeArchives(context);
});
afterAll(() => workshop[Symbol.asyncDispose]());

function makeArchives(directoryOfArchives: string): void {
  const tree = join(directoryOfArchives, 'tree');
  mkdirSync(join(tree, 'd/e'), { recursive: true });
  writeFileSync(join(tree, 'd/file'), 'f');
  execFileSync(
    'sh',
    ['-c', 'ln d/file hard && ln -s ../d d/soft && chmod 4751 d/file && chmod 1770 d/e && chmod 710 .'],
    { cwd: tree },
  );
  const options = ['--owner=:12', '--group=:34', '--sort=name', '--mtime=@1000000000', '-C', tree, '-cf'];
  execFileSync('tar', [...options, join(directoryOfArchives, 'all.tar'), '.']);
  execFileSync('tar', [...options, join(directoryOfArchives, 'd.tar'), 'd']);
  writeFileSync(join(directoryOfArchives, 'misnamed'), gzipSync(readFileSync(join(directoryOfArchives, 'all.tar'))));
  writeFileSync(join(directoryOfArchives, 'needs-much.zst'), Buffer.from('28b52ffd00a0010000', 'hex'));
  rmSync(tree, { recursive: true });
}

async function add(dockerfile: string): ReturnType<typeof buildImage> {
  writeFileSync(join(context, 'Dockerfile'), `FROM base\n${dockerfile}`);
  return buildImage(workshop, '', context);
}

describe.skipIf(lacks('user-namespaces', 'overlay', 'tool:tar'))('ADD', () => {
  test('unpacks a tar with owners, modes, times, symlinks and hard links', async () => {
    const image = await add('ADD all.tar /to');
    expect(image.lines('to/d', 'to/d/e', 'to/d/file', 'to/d/soft')).toEqual({
      'to/d': directory('755', '12:34'),
      'to/d/e': directory('1770', '12:34'),
      'to/d/file': file('f', '4751', '12:34'),
      'to/d/soft': symlink('../d', '12:34'),
    });
    expect(image.hardLinks('to/hard')).toEqual(['to/d/file', 'to/hard']);
    expect(image.entry('to/d/file')?.mtime).toBe(1e9);
  });

  test('what the archive says of its own root is not said of the destination', async () => {
    const image = await add(
      'RUN mkdir /there && chmod 701 /there\nADD all.tar /new/\nADD all.tar /there\nADD all.tar /',
    );
    expect(image.lines('new', 'there', 'd/e')).toEqual({
      new: directory('755'),
      there: directory('701'),
      'd/e': directory('1770', '12:34'),
    });
    expect(image.entry('')?.mode).not.toBe(0o710);
  });

  test('knows archives by their content, whatever the name', async () => {
    const image = await add('ADD misnamed plain /to/');
    expect(image.lines('to/d/file', 'to/plain')).toEqual({
      'to/d/file': file('f', '4751', '12:34'),
      'to/plain': file('p'),
    });
  });

  test('--chown is for all that an archive brings and the way to it, --chmod for neither', async () => {
    const image = await add('ADD --chown=7:8 --chmod=700 d.tar plain /way/to/');
    expect(image.lines('way', 'way/to', 'way/to/d/file', 'way/to/plain')).toEqual({
      way: directory('755', '7:8'),
      'way/to': directory('755', '7:8'),
      'way/to/d/file': file('f', '4751', '7:8'),
      'way/to/plain': file('p', '700', '7:8'),
    });
  });

  test('what stands in the way of an archive is replaced; directories are joined', async () => {
    const image = await add(
      [
        'RUN mkdir -p /to/d/kept /to/d/file/full /elsewhere && chown 1:1 /to/d && write /to/d/e was-a-file && write /elsewhere/t x',
        'RUN mkdir /two && ln -s /elsewhere /two/d',
        'ADD d.tar /to',
        'ADD d.tar /two',
      ].join('\n'),
    );
    expect(image.lines('to/d', 'to/d/kept', 'to/d/file', 'to/d/file/full', 'to/d/e', 'two/d', 'two/d/file')).toEqual({
      'to/d': directory('755', '12:34'),
      'to/d/kept': directory('755'),
      'to/d/file': file('f', '4751', '12:34'),
      'to/d/file/full': undefined,
      'to/d/e': directory('1770', '12:34'),
      'two/d': directory('755', '12:34'),
      'two/d/file': file('f', '4751', '12:34'),
    });
    expect(image.below('elsewhere')).toEqual(['t']);
  });

  test('an archive that cannot be looked into, because it needs too much memory, is refused, not copied', async () => {
    await expect(add('ADD needs-much.zst /to')).rejects.toMatchObject({ code: 'TBUILD_UNSUPPORTED' });
  });
});
