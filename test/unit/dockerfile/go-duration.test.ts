import { expect, test } from 'vitest';
import { parseGoDuration } from '../../../src/dockerfile/go-duration.ts';

test.each([
  ['0', 0],
  ['0s', 0],
  ['-0', 0],
  ['5s', 5e9],
  ['1h30m1.5s', 5_401_500_000_000],
  ['.5s', 5e8],
  ['1.s', 1e9],
  ['+1s', 1e9],
  ['-1s', -1e9],
  ['1us', 1e3],
  ['1µs', 1e3],
  ['1μs', 1e3],
  ['1ns', 1],
  ['0.3333333333333333333h', 1_199_999_999_999],
  ['2562047h', 9_223_369_200_000_000_000],
])('%s is %d ns', (text, nanoseconds) => {
  expect(parseGoDuration(text)).toBeCloseTo(nanoseconds, -1);
});

test.each(['', '+', '5', '1d', 's', '.s', '1.5', '1s 2s', '1h-5m', '2562048h', '99999999999999999999s', '0x1s', ' 1s'])(
  '%j is no duration',
  (text) => {
    expect(parseGoDuration(text)).toBeUndefined();
  },
);
