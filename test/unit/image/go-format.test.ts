import { expect, test } from 'vitest';
import { formatDuration, quoteCharacter, quoteString, quoteStrings } from '../../../src/image/go-format.ts';

test.each([
  ['plain', '"plain"'],
  ['a"b\\c', '"a\\"b\\\\c"'],
  ['tab\tnewline\nbell\x07', '"tab\\tnewline\\nbell\\a"'],
  ['é<>&\u{1f600}', '"é<>&\u{1f600}"'],
  ['\x01\x7f\u200b\u00a0\u{e0001}', '"\\x01\\x7f\\u200b\\u00a0\\U000e0001"'],
])('quotes %j as Go does', (text, quoted) => {
  expect(quoteString(text)).toBe(quoted);
});

test('quotes lists with one space between the strings', () => {
  expect(quoteStrings(['/bin/sh', '-c', 'a b'])).toBe('["/bin/sh" "-c" "a b"]');
  expect(quoteStrings([])).toBe('[]');
});

// `docker build` wrote these for --retries=0, 2, 10, 65.
test.each([
  [0, "'\\x00'"],
  [2, "'\\x02'"],
  [10, "'\\n'"],
  [65, "'A'"],
  [39, "'\\''"],
  [34, "'\"'"],
  [0x110000, "'\ufffd'"],
])('quotes the number %d as the character of that code', (code, quoted) => {
  expect(quoteCharacter(code)).toBe(quoted);
});

test.each([
  [0, '0s'],
  [1, '1ns'],
  [1500, '1.5µs'],
  [1e6, '1ms'],
  [1.5e9, '1.5s'],
  [90e9, '1m30s'],
  [60e9, '1m0s'],
  [7200e9, '2h0m0s'],
  [3_661_000_000_001, '1h1m1.000000001s'],
])('writes %d ns as %s', (nanoseconds, text) => {
  expect(formatDuration(nanoseconds)).toBe(text);
});
