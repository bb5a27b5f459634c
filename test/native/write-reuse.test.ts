import { linkSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { events, lines, openDiffBench, result } from './diff-bench.ts';
import type { DiffBench } from './diff-bench.ts';
import { copied, directory } from './frames.ts';
import { entry } from './raw-client.ts';
import type { RawField, RawFrame } from './raw-client.ts';
import { sha256 } from './workspace.ts';

let bench: DiffBench;
beforeAll(() => void (bench = openDiffBench()));
afterAll(() => bench[Symbol.asyncDispose](), 60_000);

describe('files of an earlier layer', () => {
  it('are shared with their time there, and everything is said as if they had been copied', async () => {
    const earlier = await writeEarlier([
      file('d/a', 'same', '5'),
      file('d/b', 'before', '5'),
      file('d/empty', '', '5'),
    ]);
    const frames = [directory('d', ['mtime', '9']), file('d/a', 'same', '9'), file('d/b', 'after', '9')];
    const shared = await bench.write([...frames, file('d/empty', '', '9')], ...earlier.reuse, ...source());
    expect(lines(shared)).toEqual([
      'd d 755 0 0 9',
      `d/a f 644 0 0 5 size=4 sha256=${sha256('same')}`,
      `d/b f 644 0 0 9 size=5 sha256=${sha256('after')}`,
      `d/empty f 644 0 0 5 size=0 sha256=${sha256('')}`,
    ]);
    expect(sharedWith(earlier.diff, ['d/a', 'd/b', 'd/empty'])).toEqual([true, false, true]);
    const copies = [directory('d', ['mtime', '9']), file('d/a', 'same', '5'), file('d/b', 'after', '9')];
    const copy = await bench.write([...copies, file('d/empty', '', '5')], ...source());
    expect(result(shared)).toEqual(result(copy));
  });

  it.each<[string, RawField[]]>([
    ['mode', [['mode', '600']]],
    // An ordinary user's one id is the only owner there can be.
    ...(process.getuid?.() === 0
      ? ([
          ['owner', [['uid', '1']]],
          ['group', [['gid', '1']]],
        ] as [string, RawField[]][])
      : []),
    ['xattrs', [['xattr', 'user.x=00']]],
    ['content', [['sha256', sha256('other')]]],
  ])('are copied where the %s differs', async (_, fields) => {
    const earlier = await writeEarlier([copied('f', 'f', ['sha256', sha256('same')], ['mtime', '5'])], { f: 'same' });
    const wanted = entry(...override(fields));
    const answer = await bench.write([wanted], ...earlier.reuse, ['source', bench.makeSource({ f: 'same' })]);
    expect(lines(answer)[0]).toContain(' 9 size=4 ');
    expect(sharedWith(earlier.diff, ['f'])).toEqual([false]);
  });

  it('are shared under SOURCE_DATE_EPOCH only where they have that time', async () => {
    const earlier = await writeEarlier([file('a', 'same', '5'), file('b', 'same', '7')]);
    const wanted = [file('a', 'same', '9'), file('b', 'same', '9')];
    const answer = await bench.write(wanted, ['epoch', '7'], ...earlier.reuse, ...source());
    expect(lines(answer).map((line) => line.split(' ')[5])).toEqual(['7', '7']);
    expect(sharedWith(earlier.diff, ['a', 'b'])).toEqual([false, true]);
  });

  it('never make hard links of files that are none', async () => {
    const earlier = await writeEarlier([
      file('a', 'same', '5'),
      entry(['path', 'b'], ['type', 'hardlink'], ['link', 'a']),
    ]);
    await bench.write([file('a', 'same', '9'), file('b', 'same', '9')], ...earlier.reuse, ...source());
    expect(statSync(`${bench.diff}/a`).ino).not.toBe(statSync(`${bench.diff}/b`).ino);
    // Also where the earlier listing knows nothing of it.
    const other = await writeEarlier([file('a', 'same', '5'), file('b', 'same', '5')]);
    rmSync(`${other.diff}/b`);
    linkSync(`${other.diff}/a`, `${other.diff}/b`);
    await bench.write([file('a', 'same', '9'), file('b', 'same', '9')], ...other.reuse, ...source());
    expect(statSync(`${bench.diff}/a`).ino).not.toBe(statSync(`${bench.diff}/b`).ino);
  });

  it('leave groups of hard links in peace', async () => {
    const earlier = await writeEarlier([file('a', 'same', '5')]);
    const wanted = [file('a', 'same', '9'), entry(['path', 'b'], ['type', 'hardlink'], ['link', 'a'])];
    const answer = await bench.write(wanted, ...earlier.reuse, ...source());
    expect(lines(answer).map((line) => line.split(' ').at(-1))).toEqual([`sha256=${sha256('same')}`, 'hard=a']);
    expect(statSync(`${bench.diff}/a`).nlink).toBe(2);
  });

  it('that are not what their listing says are copied', async () => {
    const earlier = await writeEarlier([file('a', 'same', '5'), file('b', 'same', '5')]);
    truncateSync(`${earlier.diff}/a`, 2);
    rmSync(`${earlier.diff}/b`);
    const answer = await bench.write([file('a', 'same', '9'), file('b', 'same', '9')], ...earlier.reuse, ...source());
    expect(lines(answer)).toHaveLength(2);
    expect([readFileSync(`${bench.diff}/a`, 'utf8'), readFileSync(`${bench.diff}/b`, 'utf8')]).toEqual([
      'same',
      'same',
    ]);
    expect(events(answer)).toEqual([]);
  });
});

const contents: Record<string, string> = { same: 'same', before: 'before', after: 'after', empty: '' };

function file(path: string, content: string, mtime: string): RawFrame {
  return copied(path, content === '' ? 'empty' : content, ['sha256', sha256(content)], ['mtime', mtime]);
}

function source(): RawField[] {
  return [['source', bench.makeSource(contents)]];
}

function override(fields: readonly RawField[]): RawField[] {
  const given = new Set(fields.map(([key]) => key));
  const usual: RawField[] = [
    ['path', 'f'],
    ['type', 'file'],
    ['mode', '644'],
    ['from', '0'],
    ['source-path', 'f'],
    ['sha256', sha256('same')],
    ['mtime', '9'],
  ];
  return [...usual.filter(([key]) => !given.has(key)), ...fields];
}

async function writeEarlier(
  frames: readonly RawFrame[],
  files: Readonly<Record<string, string>> = contents,
): Promise<{ readonly diff: string; readonly reuse: RawField[] }> {
  const parents = frames.length === 3 ? [directory('d', ['mtime', '5'])] : [];
  const answer = await bench.write([...parents, ...frames], ['source', bench.makeSource(files)]);
  result(answer);
  const { diff } = bench;
  const listing = `${diff}.listing`;
  writeFileSync(listing, answer.bytes('L'));
  return {
    diff,
    reuse: [
      ['reuse', diff],
      ['reuse-listing', listing],
    ],
  };
}

function sharedWith(earlier: string, paths: readonly string[]): boolean[] {
  return paths.map((path) => statSync(`${earlier}/${path}`).ino === statSync(`${bench.diff}/${path}`).ino);
}
