import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { eachInParallel } from '../../../src/image/each-in-parallel.ts';

test('gives the results in order and never runs more than the limit', async () => {
  let running = 0;
  let most = 0;
  const results = await eachInParallel([1, 2, 3, 4, 5], { limit: 2 }, async (item) => {
    most = Math.max(most, ++running);
    for (let turn = item; turn < 6; turn++) await setImmediate();
    running -= 1;
    return item * 10;
  });
  expect(results).toEqual([10, 20, 30, 40, 50]);
  expect(most).toBe(2);
});

test('the first failure aborts the others, starts nothing more, and is thrown when all have ended', async () => {
  const started: number[] = [];
  const ended: number[] = [];
  const running = eachInParallel([1, 2, 3], { limit: 2 }, async (item, signal) => {
    started.push(item);
    if (item === 1) throw new Error('first');
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    await setImmediate();
    ended.push(item);
    throw new Error('second');
  });
  await expect(running).rejects.toThrow('first');
  expect([started, ended]).toEqual([[1, 2], [2]]);
});

test("the caller's abort is thrown as its reason", async () => {
  const controller = new AbortController();
  const running = eachInParallel([1, 2], { limit: 1, signal: controller.signal }, async () => {
    controller.abort(new Error('enough'));
  });
  await expect(running).rejects.toThrow('enough');
});
