import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, statSync, truncateSync, utimesSync, writeSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { events, lines, openDiffBench, result, stamps } from './diff-bench.ts';
import type { DiffBench } from './diff-bench.ts';
import { chunks, copied } from './frames.ts';
import { entry } from './raw-client.ts';
import type { RawAnswer, RawField } from './raw-client.ts';
import { sha256 } from './workspace.ts';

let bench: DiffBench;
beforeAll(() => void (bench = openDiffBench()));
afterAll(() => bench[Symbol.asyncDispose](), 60_000);

describe('copied files', () => {
  it('keep content and time of the source', async () => {
    const source = bench.makeSource({ 'sub/a': 'content', big: 'x'.repeat(6_000_000) });
    utimesSync(`${source}/sub/a`, 1, 77.9);
    const answer = await bench.write(
      [copied('copy', 'sub/a'), copied('big', 'big', ['sha256', sha256('x'.repeat(6_000_000))], ['mtime', '3'])],
      ['source', source],
    );
    expect(lines(answer)).toEqual([
      `big f 644 0 0 3 size=6000000 sha256=${sha256('x'.repeat(6_000_000))}`,
      `copy f 644 0 0 77 size=7 sha256=${sha256('content')}`,
    ]);
    expect(statSync(`${bench.diff}/copy`).mtimeMs).toBe(77_000);
    expect(statSync(`${bench.diff}/big`).size).toBe(6_000_000);
  });

  it('are counted while they are copied, where that is asked for', async () => {
    const source = bench.makeSource({ big: '' });
    const size = 600_000_000;
    truncateSync(`${source}/big`, size);
    const counted = await bench.write([copied('big', 'big')], ['source', source], ['progress', '1']);
    const bytes = events(counted).map(({ event, bytes }) => (event === 'progress' ? Number(bytes) : -1));
    expect(bytes).not.toEqual([]);
    expect(bytes).toEqual(bytes.toSorted((a, b) => a - b));
    expect(bytes.every((count) => count > 0 && count <= size)).toBe(true);
    expect(events(await bench.write([copied('big', 'big')], ['source', source]))).toEqual([]);
  });

  it('come from several sources', async () => {
    const answer = await bench.write(
      [copied('a', 'f', ['from', '1']), copied('b', 'f', ['from', '0'])],
      ['source', bench.makeSource({ f: 'zero' })],
      ['source', bench.makeSource({ f: 'one' })],
    );
    expect(result(answer)['entries']).toBe('2');
    expect([readFileSync(`${bench.diff}/a`, 'utf8'), readFileSync(`${bench.diff}/b`, 'utf8')]).toEqual(['one', 'zero']);
  });

  it('may be hard links of each other', async () => {
    const answer = await bench.write(
      [
        copied('z', 'f', ['mtime', '1']),
        entry(['path', 'a'], ['type', 'hardlink'], ['link', 'z']),
        entry(['path', 'm'], ['type', 'hardlink'], ['link', 'a']),
      ],
      ['source', bench.makeSource({ f: 'x' })],
    );
    expect(lines(answer).map((line) => line.split(' ').at(-1))).toEqual([`sha256=${sha256('x')}`, 'hard=a', 'hard=a']);
    expect(statSync(`${bench.diff}/m`).nlink).toBe(3);
    expect(result(answer)['size']).toBe('1');
  });

  it('are not hashed where the digest is known and the stamps hold', async () => {
    const source = bench.makeSource({ f: 'x' });
    const lie = '00'.repeat(32);
    for (const tar of ['0', '1']) {
      const answer = await bench.write(
        [copied('f', 'f', ['sha256', lie], ['expect', stamps(`${source}/f`)])],
        ['source', source],
        ['tar', tar],
      );
      expect(lines(answer)[0]).toContain(lie);
      expect(events(answer)).toEqual([]);
      expect(readFileSync(`${bench.diff}/f`, 'utf8')).toBe('x');
    }
  });

  const sizes = [0, 1, 1_000_000, 1_048_576, 1_048_577, 5_000_000];
  it.each(sizes)('of %d bytes have one listing and tar whichever way they are made', async (size) => {
    const text = 'abcdefg'.repeat(size / 7 + 1).slice(0, size);
    const source = bench.makeSource({ f: text });
    const known: RawField = ['sha256', sha256(text)];
    const ways = [
      await bench.write([copied('f', 'f', ['mtime', '1'])], ['source', source]),
      await bench.write([copied('f', 'f', ['mtime', '1'], known)], ['source', source]),
      await bench.write([copied('f', 'f', ['mtime', '1'], known, ['verify', '1'])], ['source', source]),
      await bench.write(
        [copied('f', 'f', ['mtime', '1'], known, ['expect', stamps(`${source}/f`)])],
        ['source', source],
      ),
      await bench.write([
        entry(['path', 'f'], ['type', 'file'], ['mode', '644'], ['size', `${size}`], ['mtime', '1']),
        ...chunks(text),
      ]),
    ];
    for (const answer of ways) {
      expect(result(answer)).toEqual(result(ways[0] as RawAnswer));
      expect(events(answer)).toEqual([]);
    }
    const bare = await bench.write([copied('f', 'f', ['mtime', '1'], known)], ['source', source], ['tar', '0']);
    expect(result(bare)).toMatchObject({ sha256: result(ways[0] as RawAnswer)['sha256'] });
    expect(result(bare)).not.toHaveProperty('diffid');
    expect(readFileSync(`${bench.diff}/f`, 'utf8')).toBe(text);
  });

  it.each(['0', '1'])('that are not what their stamps say are hashed and reported (tar=%s)', async (tar) => {
    const text = 'y'.repeat(3_000_000);
    const source = bench.makeSource({ f: 'x', g: text });
    const answer = await bench.write(
      [
        copied('f', 'f', ['sha256', '00'.repeat(32)], ['expect', '1:5:6']),
        copied('g', 'g', ['sha256', '00'.repeat(32)], ['expect', '3:5:6']),
      ],
      ['source', source],
      ['tar', tar],
    );
    expect(events(answer)).toEqual([
      { event: 'changed', path: 'f', sha256: sha256('x'), size: '1' },
      { event: 'changed', path: 'g', sha256: sha256(text), size: '3000000' },
    ]);
    expect(lines(answer)[1]).toContain(sha256(text));
  });

  it('whose digest is to be verified and is wrong are reported', async () => {
    const answer = await bench.write(
      [copied('f', 'f', ['sha256', '00'.repeat(32)], ['verify', '1'])],
      ['source', bench.makeSource({ f: 'x' })],
    );
    expect(events(answer)).toEqual([{ event: 'changed', path: 'f', sha256: sha256('x'), size: '1' }]);
  });

  it('that are written to meanwhile get the digest of what was copied', async () => {
    const size = 40_000_000;
    const source = bench.makeSource({ f: '' });
    execFileSync('truncate', ['-s', String(size), `${source}/f`]);
    const expected = stamps(`${source}/f`);
    const pending = bench.write(
      [copied('f', 'f', ['sha256', sha256(Buffer.alloc(size))], ['expect', expected])],
      ['source', source],
    );
    const fd = openSync(`${source}/f`, 'r+');
    for (let at = 0; at < size; at += 1_000_000) writeSync(fd, 'changed', at);
    closeSync(fd);
    const answer = await pending;
    const digest = sha256(readFileSync(`${bench.diff}/f`));
    expect(lines(answer)[0]).toContain(`sha256=${digest}`);
    expect(events(answer)).toEqual([{ event: 'changed', path: 'f', sha256: digest, size: String(size) }]);
    const listed = await bench.commit(bench.diff);
    expect(result(listed)['diffid']).toBe(result(answer)['diffid']);
  });
});
