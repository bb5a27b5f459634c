import { describe, expect, test } from 'vitest';
import { untilAborted } from '../../../src/util/until-aborted.ts';

async function* numbers(onClosed: () => void, { thenSilent = false } = {}): AsyncGenerator<number, void, undefined> {
  try {
    yield 1;
    yield 2;
    if (thenSilent) await new Promise(() => undefined);
  } finally {
    onClosed();
  }
}

describe('a source until it is aborted', () => {
  test('comes whole', async () => {
    const seen: number[] = [];
    for await (const item of untilAborted(
      numbers(() => undefined),
      new AbortController().signal,
    ))
      seen.push(item);
    expect(seen).toEqual([1, 2]);
  });

  test('is closed, and that awaited, when the reader leaves', async () => {
    let isClosed = false;
    for await (const _ of untilAborted(
      numbers(() => (isClosed = true)),
      new AbortController().signal,
    ))
      break;
    expect(isClosed).toBe(true);
  });

  test('ends with the reason while the source is silent', async () => {
    const controller = new AbortController();
    const seen: number[] = [];
    const reading = (async () => {
      const items = untilAborted(
        numbers(() => undefined, { thenSilent: true }),
        controller.signal,
      );
      for await (const item of items) {
        seen.push(item);
        if (item === 2) setTimeout(() => controller.abort(new Error('enough')), 10);
      }
    })();
    await expect(reading).rejects.toThrow('enough');
    expect(seen).toEqual([1, 2]);
  });

  test('is not asked when the signal was aborted before', async () => {
    const items = untilAborted(
      numbers(() => undefined),
      AbortSignal.abort(new Error('enough')),
    );
    await expect(items.next()).rejects.toThrow('enough');
  });

  test('passes its failure on, and leaves no listener behind', async () => {
    const { signal } = new AbortController();
    let listeners = 0;
    const counted = Object.assign(Object.create(signal) as AbortSignal, {
      addEventListener: () => void listeners++,
      removeEventListener: () => void listeners--,
      throwIfAborted: () => undefined,
    });
    async function* failing(): AsyncGenerator<number, void, undefined> {
      yield 1;
      throw new Error('broken');
    }
    await expect(
      (async () => {
        for await (const _ of untilAborted(failing(), counted));
      })(),
    ).rejects.toThrow('broken');
    expect(listeners).toBe(0);
  });
});
