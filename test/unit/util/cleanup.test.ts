import { describe, expect, test } from 'vitest';
import { openCleanup } from '../../../src/util/cleanup.ts';

describe('openCleanup', () => {
  test('releases in reverse order and awaits each', async () => {
    const order: string[] = [];
    const cleanup = openCleanup();
    cleanup.defer(() => void order.push('first'));
    cleanup.use({
      async [Symbol.asyncDispose]() {
        await Promise.resolve();
        order.push('second');
      },
    });
    cleanup.defer(() => void order.push('third'));
    await cleanup[Symbol.asyncDispose]();
    expect(order).toEqual(['third', 'second', 'first']);
  });

  test('goes on after a failure and throws it', async () => {
    const order: string[] = [];
    const cleanup = openCleanup();
    cleanup.defer(() => void order.push('released'));
    cleanup.defer(() => {
      throw new Error('cannot unmount');
    });
    await expect(cleanup[Symbol.asyncDispose]()).rejects.toThrow(/^cannot unmount$/);
    expect(order).toEqual(['released']);
  });

  test('reports every failure when there are several', async () => {
    const cleanup = openCleanup();
    cleanup.defer(() => Promise.reject(new Error('later')));
    cleanup.defer(() => Promise.reject(new Error('earlier')));
    const error = await cleanup[Symbol.asyncDispose]().then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(AggregateError);
    expect((error as AggregateError).errors.map((each: Error) => each.message)).toEqual(['earlier', 'later']);
  });

  test('releases once, however often it is disposed', async () => {
    let count = 0;
    const cleanup = openCleanup();
    cleanup.defer(() => void (count += 1));
    await cleanup[Symbol.asyncDispose]();
    await cleanup[Symbol.asyncDispose]();
    expect(count).toBe(1);
  });
});
