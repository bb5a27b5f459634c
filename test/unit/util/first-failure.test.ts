import { describe, expect, it } from 'vitest';
import { TbuildError } from '../../../src/errors.ts';
import { firstFailure } from '../../../src/util/first-failure.ts';

function failingResource(message: string): AsyncDisposable {
  return { [Symbol.asyncDispose]: () => Promise.reject(new Error(message)) };
}

describe('firstFailure', () => {
  it('is the error of the body when closing fails too, and tells what failed while closing', async () => {
    const body = new TbuildError('TBUILD_COPY', 'no room', { hint: 'make some', details: { path: '/a' } });
    const run = async (): Promise<void> => {
      await using _first = failingResource('first did not close');
      await using _second = failingResource('second did not close');
      throw body;
    };
    const first = firstFailure(await run().catch((error: unknown) => error));
    expect(first).toMatchObject({ code: 'TBUILD_COPY', message: 'no room', hint: 'make some' });
    expect((first as TbuildError).details).toEqual({
      path: '/a',
      cleanup: ['second did not close', 'first did not close'],
    });
  });

  it('keeps the very reason of an abort', async () => {
    const reason = new Error('stop');
    const run = async (): Promise<void> => {
      await using _resource = failingResource('did not close');
      throw reason;
    };
    expect(firstFailure(await run().catch((error: unknown) => error))).toBe(reason);
  });

  it('leaves an error alone when everything closed', () => {
    const error = new Error('plain');
    expect(firstFailure(error)).toBe(error);
    expect(firstFailure('text')).toBe('text');
  });

  it('is the failure of closing when the body succeeded', async () => {
    const run = async (): Promise<void> => {
      await using _resource = failingResource('did not close');
      await Promise.resolve();
    };
    const error: unknown = await run().catch((thrown: unknown) => thrown);
    expect(firstFailure(error)).toMatchObject({ message: 'did not close' });
  });
});
