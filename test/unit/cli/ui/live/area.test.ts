import { Writable } from 'node:stream';
import type { WriteStream } from 'node:tty';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createLiveArea } from '../../../../../src/cli/ui/live/area.ts';
import type { LiveArea } from '../../../../../src/cli/ui/live/area.ts';
import { createVt } from '../../../../helpers/vt.ts';
import type { Vt } from '../../../../helpers/vt.ts';
import { screen } from './replay.ts';

interface Bench {
  readonly area: LiveArea;
  readonly vt: Vt;
  /** What was written at once. */
  readonly writes: readonly string[];
  lines: readonly string[];
  /** To fewer columns. */
  resize(columns: number, how?: 'break' | 'cut'): void;
}

let open: LiveArea | undefined;
afterEach(() => open?.end([]));

function openBench(columns = 40, rows = 12, env: NodeJS.ProcessEnv = {}): Bench {
  const vt = createVt({ columns, rows });
  const writes: string[] = [];
  const terminal = new Writable({
    decodeStrings: false,
    write(chunk: string, _, done) {
      writes.push(chunk);
      vt.write(chunk);
      done();
    },
  }) as unknown as WriteStream;
  Object.assign(terminal, { isTTY: true, columns, rows });
  const bench = {
    vt,
    writes,
    lines: ['first', 'second'] as readonly string[],
    resize(narrower: number, how: 'break' | 'cut' = 'break') {
      if (how === 'break') vt.resize(narrower);
      Object.assign(terminal, { columns: narrower });
      terminal.emit('resize');
    },
  };
  const area = createLiveArea({
    terminal,
    theme: screen().theme,
    env,
    frame: () => ({ head: 'head', lines: bench.lines }),
  });
  open = area;
  return {
    ...bench,
    area,
    get lines() {
      return bench.lines;
    },
    set lines(lines) {
      bench.lines = lines;
    },
  };
}

const drawn = (vt: Vt): Promise<void> =>
  vi.waitFor(() => expect(vt.lines().join('\n')).toContain('head'), { timeout: 5000 });

describe('the live area', () => {
  test('begins to draw after a moment; what ends sooner only leaves its lines', async () => {
    const { area, vt, writes } = openBench();
    area.write(['one']);
    area.end(['two']);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(writes).toEqual(['one\n', 'two\n']);
    expect(vt.lines()).toEqual(['one', 'two']);
  });

  test('is below what stays, hides the cursor, and is gone when it ends', async () => {
    const { area, vt } = openBench();
    area.write(['before']);
    await drawn(vt);
    area.write(['stays']);
    expect(vt.lines()).toEqual(['before', 'stays', expect.stringMatching(/^. head$/), 'first', 'second']);
    expect(vt.isCursorShown).toBe(false);
    area.end(['last']);
    expect(vt.lines()).toEqual(['before', 'stays', 'last']);
    expect(vt.isCursorShown).toBe(true);
    expect(vt.breaksLines).toBe(true);
    expect(vt.column).toBe(0);
  });

  test('never touches a line that stays, however many and however high it is itself', async () => {
    const bench = openBench();
    const { area, vt } = bench;
    await drawn(vt);
    const stays = Array.from({ length: 300 }, (_, index) => `line ${index}: ${'x'.repeat(index % 70)}|`);
    for (const [index, line] of stays.entries()) {
      bench.lines = Array.from({ length: index % 10 }, () => 'changes');
      area.write([line]);
    }
    area.end([]);
    // Long ones are broken by the terminal.
    expect(vt.lines().join('')).toBe(stays.join(''));
  });

  test('sends each picture in one piece', async () => {
    const { vt, writes, area } = openBench();
    await drawn(vt);
    const before = writes.length;
    area.write(['a', 'b']);
    expect(writes).toHaveLength(before + 1);
    await vi.waitFor(() => expect(writes.length).toBeGreaterThan(before + 3), { timeout: 5000 });
    for (const text of writes.slice(before)) expect(text.endsWith('\u001b[?7h\u001b[?2026l')).toBe(true);
  });

  test('a line that is longer than was thought is cut, not broken', async () => {
    const bench = openBench(20);
    bench.area.write(['stays']);
    bench.lines = ['x'.repeat(50), 'next'];
    await drawn(bench.vt);
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect(bench.vt.lines()).toEqual(['stays', expect.stringMatching(/^. head$/), 'x'.repeat(20), 'next']);
  });

  test('made narrower it is drawn anew, where the terminal has broken its lines', async () => {
    const bench = openBench(60, 40);
    bench.area.write(['stays '.repeat(8).trim()]);
    bench.lines = ['long '.repeat(11), 'longer'.repeat(9)];
    await drawn(bench.vt);
    bench.lines = ['short', 'shorter'];
    bench.resize(25);
    bench.area.end([]);
    expect(bench.vt.lines().join('')).toBe('stays '.repeat(8).trim());
  });

  test('made narrower where the terminal cuts its lines instead, it leaves alone what stays', async () => {
    const bench = openBench(60, 40, { XTERM_VERSION: 'XTerm(390)' });
    bench.area.write(['stays']);
    bench.lines = ['long '.repeat(11)];
    await drawn(bench.vt);
    bench.lines = ['short'];
    bench.resize(25, 'cut');
    bench.area.end([]);
    expect(bench.vt.lines()).toEqual(['stays']);
  });
});
