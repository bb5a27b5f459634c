import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { paced } from '../../../src/build/paced.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('of each label the first report passes, the one that completes it, and one in a tenth of a second', () => {
  const told: unknown[] = [];
  const tell = paced((...report) => void told.push(report));
  tell('a', 0, 100);
  tell('a', 10, 100);
  tell('b', 5, undefined);
  vi.advanceTimersByTime(99);
  tell('a', 20, 100);
  tell('b', 6, undefined);
  vi.advanceTimersByTime(1);
  tell('a', 30, 100);
  tell('a', 40, 100);
  tell('a', 100, 100);
  expect(told).toEqual([
    ['a', 0, 100],
    ['b', 5, undefined],
    ['a', 30, 100],
    ['a', 100, 100],
  ]);
});
