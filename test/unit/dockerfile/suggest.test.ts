import { expect, test } from 'vitest';
import { suggest } from '../../../src/dockerfile/suggest.ts';

const keywords = ['copy', 'run', 'env', 'entrypoint', 'healthcheck'];

test.each([
  ['coyp', 'copy'],
  ['RNU', 'run'],
  ['rum', 'run'],
  ['entripoint', 'entrypoint'],
  ['heathchek', 'healthcheck'],
  ['"env"', 'env'],
  ['foo', undefined],
  ['b', undefined],
  ['', undefined],
  ['x'.repeat(1_000_000), undefined],
])('%.20s → %s', (word, expected) => {
  expect(suggest(word, keywords)).toBe(expected);
});
