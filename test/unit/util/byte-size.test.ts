import { expect, test } from 'vitest';
import { parseByteSize } from '../../../src/util/byte-size.ts';

test.each([
  ['0', 0],
  ['100', 100],
  ['100b', 100],
  ['1k', 1024],
  ['1KB', 1024],
  ['1 KiB', 1024],
  ['1.5m', 1.5 * 2 ** 20],
  ['.5g', 2 ** 29],
  ['2T', 2 * 2 ** 40],
  ['1.7b', 1],
  ['1 ', 1],
])('%s is %i bytes', (text, bytes) => {
  expect(parseByteSize(text)).toBe(bytes);
});

test.each(['', 'x', '10x', '-5', '1kk', '1bb', '1ib', '1e3', 'k', '.', '99999999p', '0x10', '1  k'])(
  '%j is no size',
  (text) => {
    expect(parseByteSize(text)).toBeUndefined();
  },
);
