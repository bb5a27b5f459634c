import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { truncate, widthOf, wrap } from '../../../../src/cli/ui/text-width.ts';

const text = fc
  .array(fc.oneof(fc.constantFrom('日', '한', 'é', ' ', '👍', 'e\u0301', 'word'), fc.string({ maxLength: 4 })))
  .map((parts) => parts.join('').replaceAll(/\p{Cc}/gu, ' '));

describe('width', () => {
  test.each([
    ['', 0],
    ['abc', 3],
    ['é', 1],
    ['e\u0301', 1],
    ['日本語', 6],
    ['한국어', 6],
    ['ｱﾊﾟｰﾄ', 5],
    ['ＡＢ', 4],
    ['👍', 2],
    ['✔ ok', 4],
    ['a\u200db', 2],
  ])('%s needs %i columns', (given, columns) => {
    expect(widthOf(given)).toBe(columns);
  });
});

describe('truncation', () => {
  test.each([
    ['fits', 4, 'fits'],
    ['too long', 5, 'too …'],
    ['日本語テキスト', 7, '日本語…'],
    ['日本語テキスト', 6, '日本…'],
    ['anything', 0, ''],
    ['anything', 1, '…'],
  ])('%s in %i columns is %s', (given, columns, shown) => {
    expect(truncate(given, columns, '…')).toBe(shown);
  });

  test('never gives more columns than there are', () => {
    fc.assert(
      fc.property(text, fc.nat(30), fc.constantFrom('…', '...'), (given, columns, mark) => {
        expect(widthOf(truncate(given, columns, mark))).toBeLessThanOrEqual(columns);
      }),
    );
  });
});

describe('wrapping', () => {
  test('breaks between words, and indents what follows', () => {
    expect(wrap('one two three four', 9, '  ')).toEqual(['one two', '  three', '  four']);
  });

  test('breaks a word that is longer than a line', () => {
    expect(wrap('abcdefghij k', 6, '  ')).toEqual(['abcd', '  efgh', '  ij k']);
  });

  test('loses no character, and no line is too long for its columns', () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 4, max: 30 }), (given, columns) => {
        const lines = wrap(given, columns, '  ');
        for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(columns);
        expect(lines.join('').replaceAll(' ', '')).toBe(given.replaceAll(' ', ''));
      }),
    );
  });
});
