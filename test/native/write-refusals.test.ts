import { execFileSync } from 'node:child_process';
import { existsSync, symlinkSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failure, openDiffBench } from './diff-bench.ts';
import type { DiffBench } from './diff-bench.ts';
import { copied, directory, streamed } from './frames.ts';
import { data, encode, endOfInput, entry } from './raw-client.ts';
import type { RawField, RawFrame } from './raw-client.ts';

const isRoot = process.geteuid?.() === 0;
let bench: DiffBench;
beforeAll(() => void (bench = openDiffBench()));
afterAll(() => bench[Symbol.asyncDispose](), 60_000);

describe('write refuses', () => {
  const paths = [
    '',
    '/abs',
    'a/../b',
    '..',
    '.',
    './a',
    'a//b',
    'a/',
    'a/./b',
    'x'.repeat(256),
    `${'d/'.repeat(2100)}f`,
  ];
  it.each(paths)('the path %j', async (path) => {
    for (const fields of [
      [
        ['type', 'file'],
        ['size', '0'],
      ],
      [['type', 'whiteout']],
      [['type', 'parent']],
    ] as const) {
      const answer = await bench.write([entry(['path', path], ...fields)]);
      expect(failure(answer)).toEqual(['path', 22]);
    }
  });

  const outside: readonly (readonly [string, RawFrame[], string])[] = [
    ['a missing parent', streamed('no/f', ''), '2'],
    ['a parent that is a file', [...streamed('f', ''), ...streamed('f/g', '')], '20'],
    [
      'a parent that is a symlink',
      [entry(['path', 'l'], ['type', 'symlink'], ['link', '/tmp']), ...streamed('l/evil', '')],
      '20',
    ],
    ['a hard link to nothing', [entry(['path', 'h'], ['type', 'hardlink'], ['link', 'etc/passwd'])], '2'],
    ['a hard link to a directory', [directory('d'), entry(['path', 'h'], ['type', 'hardlink'], ['link', 'd'])], '22'],
    [
      'a hard link to a whiteout',
      [entry(['path', 'w'], ['type', 'whiteout']), entry(['path', 'h'], ['type', 'hardlink'], ['link', 'w'])],
      '22',
    ],
    ['a hard link out of the diff', [entry(['path', 'h'], ['type', 'hardlink'], ['link', '../../etc/passwd'])], '22'],
    ['a hard link to itself', [...streamed('h', ''), entry(['path', 'h'], ['type', 'hardlink'], ['link', 'h'])], '22'],
    ['an unknown type', [entry(['path', 'x'], ['type', 'socket'])], '22'],
    ['a mode with more bits', [directory('d', ['mode', '10755'])], '22'],
    ['the id -1', [directory('d', ['uid', '4294967295'])], '22'],
    ['an attribute that layers do not carry', [directory('d', ['xattr', 'trusted.overlay.opaque=79'])], '22'],
    ['a malformed attribute', [directory('d', ['xattr', 'user.x=0g'])], '22'],
    [
      'a character device that would be a whiteout',
      [entry(['path', 'c'], ['type', 'character'], ['major', '0'], ['minor', '0'])],
      '22',
    ],
    ['a device without number', [entry(['path', 'c'], ['type', 'block'])], '22'],
    ['an empty symlink', [entry(['path', 'l'], ['type', 'symlink'], ['link', ''])], '22'],
    ['content that nobody announced', [data('x')], '71'],
    ['more content than was announced', [entry(['path', 'f'], ['type', 'file'], ['size', '1']), data('xy')], '71'],
    ['less content than was announced', [entry(['path', 'f'], ['type', 'file'], ['size', '3']), data('xy')], '71'],
    ['a source that nobody named', [copied('f', 'f')], '22'],
  ];
  it.each(outside)('%s', async (_, frames, errno) => {
    const answer = await bench.write(frames);
    expect([answer.last, answer.fields.get('errno')]).toEqual(['!', errno]);
  });

  it('a diff that exists', async () => {
    await bench.write([]);
    const again = await bench.helper.call(
      [
        ['op', 'write'],
        ['diff', bench.diff],
      ],
      [endOfInput],
    );
    expect(failure(again)).toEqual(['mkdir', 17]);
  });

  it('sources that are not regular files or lie behind a symlink', async () => {
    const source = bench.makeSource({ 'sub/f': 'x' });
    symlinkSync('sub', `${source}/link`);
    symlinkSync('/etc/passwd', `${source}/passwd`);
    execFileSync('mkfifo', [`${source}/fifo`]);
    const errnos = [];
    for (const path of ['link/f', 'passwd', 'fifo', 'sub', '../x', 'none']) {
      for (const extra of [[], [['expect', '1:2:3']]] as RawField[][]) {
        const answer = await bench.write([copied('f', path, ...extra)], ['source', source]);
        expect(answer.last, path).toBe('!');
        errnos.push(answer.fields.get('errno'));
      }
    }
    expect(errnos).toEqual(['20', '20', '22', '40', '22', '22', '22', '22', '22', '22', '2', '2']);
  });

  it.skipIf(isRoot)('an owner that is not mapped, as the step chown', async () => {
    const answer = await bench.write(streamed('f', '', ['uid', '33']));
    expect(failure(answer)).toEqual(['chown', 22]);
  });

  it.skipIf(isRoot)('a device node without root, as the step mknod', async () => {
    const answer = await bench.write([entry(['path', 'null'], ['type', 'character'], ['major', '1'], ['minor', '3'])]);
    expect(failure(answer)).toEqual(['mknod', 1]);
  });
});

describe('a cancelled write', () => {
  it('answers nothing and leaves its directory to the caller', async () => {
    const diff = `${bench.path}cancelled`;
    const operation = bench.helper.open();
    operation.send(
      'R',
      encode([
        ['op', 'write'],
        ['diff', diff],
      ]),
    );
    operation.socket.end();
    expect((await operation.answer()).frames).toEqual([]);
    expect(existsSync(diff)).toBe(true);
  });
});
