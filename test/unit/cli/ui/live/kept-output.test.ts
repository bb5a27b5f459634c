import { describe, expect, test } from 'vitest';
import { createKeptOutput } from '../../../../../src/cli/ui/live/kept-output.ts';
import type { KeptOutput } from '../../../../../src/cli/ui/live/kept-output.ts';

const add = (output: KeptOutput, text: string, stream: 'stdout' | 'stderr' = 'stdout'): void =>
  output.add(stream, Buffer.from(text));
const small = { head: 20, tail: 30, line: 100 };

describe('what is kept of output', () => {
  test('is all of a little, in the order in which its lines ended', () => {
    const output = createKeptOutput();
    add(output, 'out one\nout t');
    add(output, 'err\n', 'stderr');
    add(output, 'wo\nunended');
    expect(output.excerpt()).toEqual({
      head: ['out one', 'err', 'out two'],
      omitted: { lines: 0, bytes: 0 },
      tail: ['unended'],
    });
  });

  test('is of much how it began and how it ended, and how much stood between', () => {
    const output = createKeptOutput(small);
    for (let line = 1000; line < 2000; line++) add(output, `${line}\n`);
    const { head, omitted, tail } = output.excerpt();
    expect(head).toEqual(['1000', '1001', '1002', '1003']);
    expect(tail).toEqual(['1994', '1995', '1996', '1997', '1998', '1999']);
    expect(omitted).toEqual({ lines: 990, bytes: 990 * 5 });
  });

  test('accounts for every line and byte, however they come in pieces', () => {
    const text = Array.from({ length: 5000 }, (_, index) => `line ${index * 7919}\n`).join('');
    for (const size of [1, 7, 64, 1000, 100_000]) {
      const output = createKeptOutput({ head: 500, tail: 1000, line: 1000 });
      for (let start = 0; start < text.length; start += size) add(output, text.slice(start, start + size));
      const { head, omitted, tail } = output.excerpt();
      const shown = [...head, ...tail].map((line) => `${line}\n`).join('');
      expect(head.length + omitted.lines + tail.length).toBe(5000);
      expect(shown.length + omitted.bytes).toBe(text.length);
      expect(text.startsWith(head.join('\n'))).toBe(true);
      expect(text.endsWith(`${tail.join('\n')}\n`)).toBe(true);
    }
  });

  test('a line that does not end is broken: memory stays bounded', () => {
    const output = createKeptOutput(small);
    for (let index = 0; index < 1000; index++) add(output, 'x'.repeat(60));
    const { head, omitted, tail } = output.excerpt();
    const kept = [...head, ...tail].join('').length;
    expect(kept).toBeLessThan(300);
    expect(omitted.bytes).toBeGreaterThan(59_000);
  });
});

describe('the end of output', () => {
  test('is its last lines, and how many came before', () => {
    const output = createKeptOutput();
    add(output, 'a\nb\nc\nd\n');
    expect(output.tail(2)).toEqual({ lines: ['c', 'd'], before: 2, size: 8 });
    expect(output.tail(9)).toEqual({ lines: ['a', 'b', 'c', 'd'], before: 0, size: 8 });
  });

  test('has the line that is being written, but no empty lines', () => {
    const output = createKeptOutput();
    add(output, 'a\n50%');
    expect(output.tail(5).lines).toEqual(['a', '50%']);
    add(output, '\n\n  \n');
    expect(output.tail(1)).toEqual({ lines: ['50%'], before: 1, size: 10 });
    expect(createKeptOutput().tail(3)).toEqual({ lines: [], before: 0, size: 0 });
  });

  test('of a hundred megabytes takes no longer than that of a line', () => {
    const output = createKeptOutput();
    const chunk = Buffer.from('some words of output\n'.repeat(3000));
    let size = 0;
    for (; size < 1e8; size += chunk.length) output.add('stdout', chunk);
    expect(output.tail(3)).toEqual({ lines: Array(3).fill('some words of output'), before: size / 21 - 3, size });
  });

  test('shows the end of a line of any length', () => {
    const output = createKeptOutput();
    add(output, `${'x'.repeat(1_000_000)}\nlast`);
    const [long = '', last] = output.tail(2).lines;
    expect(long).toMatch(/^x+$/);
    expect(last).toBe('last');
  });
});
