import { describe, expect, test } from 'vitest';
import { excerpt } from '../../../../src/cli/ui/excerpt.ts';

const at = (line: number, column: number, endLine: number, endColumn: number) => ({
  file: 'Dockerfile',
  line,
  column,
  endLine,
  endColumn,
});

describe('an excerpt of a Dockerfile', () => {
  test('shows two lines around the place, and a caret under it', () => {
    const text = 'one\ntwo\nthree\nfour five\nsix\nseven\neight\n';
    expect(excerpt(at(4, 6, 4, 10), text)).toBe(
      [
        'Dockerfile:4',
        '  2 | two',
        '  3 | three',
        '> 4 | four five',
        '    |      ^^^^',
        '  5 | six',
        '  6 | seven',
        '',
      ].join('\n'),
    );
  });

  test('cuts long lines, and shows the place in them', () => {
    const text = `a${'x'.repeat(60_000)} --flag ${'y'.repeat(5_000)}\n`;
    const [, line = '', caret = ''] = excerpt(at(1, 60_003, 1, 60_009), text).split('\n');
    expect(line.length).toBeLessThan(220);
    expect(line).toMatch(/^> 1 \| …x+ --flag y+…$/);
    expect(line.slice(caret.indexOf('^'), caret.lastIndexOf('^') + 1)).toBe('--flag');
    expect(excerpt(at(1, 1, 1, 2), text).split('\n')[1]).toMatch(/^> 1 \| ax{199}…$/);
  });

  test('cuts long instructions, and says where they end', () => {
    const text = Array.from({ length: 5_000 }, (_, index) => `line ${index + 1} \\`).join('\n');
    const lines = excerpt(at(3, 1, 4_990, 5), text).split('\n');
    expect(lines.length).toBeLessThan(30);
    expect(lines.at(-2)).toContain('… (to line 4990)');
  });

  test('is the place alone where the file cannot be read', () => {
    expect(excerpt({ ...at(3, 1, 3, 2), file: '/nowhere/Dockerfile' }, undefined)).toBe('  at /nowhere/Dockerfile:3\n');
  });
});
