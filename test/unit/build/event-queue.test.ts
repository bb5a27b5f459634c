import { describe, expect, test } from 'vitest';
import { createEventQueue } from '../../../src/build/event-queue.ts';
import type { EventQueue } from '../../../src/build/event-queue.ts';
import type { BuildEvent } from '../../../src/build/events.ts';
import type { PlannedStep } from '../../../src/graph/plan.ts';

const step: PlannedStep = {
  id: '0.1',
  number: 2,
  total: 2,
  stage: 0,
  stageName: undefined,
  text: 'RUN x',
  span: { file: 'Dockerfile', line: 2, column: 1, endLine: 2, endColumn: 6 },
  inputs: ['0.0'],
};
const warning = (message: string): BuildEvent => ({ type: 'warning', code: 'x', message, span: undefined });
const log = (size: number, fill: number): BuildEvent => ({
  type: 'step:log',
  step,
  stream: 'stdout',
  chunk: Buffer.alloc(size, fill),
});
const nothing = (): Promise<void> => Promise.resolve();

async function take(queue: AsyncIterable<BuildEvent>): Promise<BuildEvent[]> {
  const events: BuildEvent[] = [];
  for await (const event of queue) events.push(event);
  return events;
}

describe('the queue between a build and its reader', () => {
  test('loses nothing of what came before reading began, and keeps the order', async () => {
    const queue = createEventQueue(nothing);
    queue.push(warning('1'));
    queue.push(warning('2'));
    const taken = take(queue);
    queue.push(warning('3'));
    await Promise.resolve();
    queue.push(warning('4'));
    queue.end();
    expect(await taken).toEqual(['1', '2', '3', '4'].map(warning));
  });

  test('wakes a reader that waits, for each event and for the end', async () => {
    const queue = createEventQueue(nothing);
    const iterator = queue[Symbol.asyncIterator]();
    const first = iterator.next();
    await new Promise((resolve) => setImmediate(resolve));
    queue.push(warning('late'));
    expect(await first).toEqual({ done: false, value: warning('late') });
    const last = iterator.next();
    await new Promise((resolve) => setImmediate(resolve));
    queue.end();
    expect((await last).done).toBe(true);
  });

  test('gives out everything before it throws the error, and does not call that leaving', async () => {
    let left = 0;
    const queue = createEventQueue(async () => void left++);
    queue.push(warning('before'));
    queue.end(new Error('failed'));
    queue.end();
    queue.push(warning('after the end'));
    const seen: BuildEvent[] = [];
    await expect(
      (async () => {
        for await (const event of queue) seen.push(event);
      })(),
    ).rejects.toThrow('failed');
    expect(seen).toEqual([warning('before')]);
    expect(left).toBe(0);
  });

  test('waits for the clean-up when the reader leaves early', async () => {
    let isClean = false;
    const queue = createEventQueue(async () => {
      await new Promise((resolve) => setTimeout(resolve, 10));
      isClean = true;
    });
    queue.push(warning('1'));
    queue.push(warning('2'));
    for await (const _ of queue) break;
    expect(isClean).toBe(true);
  });

  test('is read once', () => {
    const queue = createEventQueue(nothing);
    expect(queue.isRead).toBe(false);
    queue[Symbol.asyncIterator]();
    expect(queue.isRead).toBe(true);
    expect(() => queue[Symbol.asyncIterator]()).toThrow('the events of a build can be read once');
  });

  test('drops the oldest output beyond 8 MiB while nobody reads, says so once, and drops nothing else', async () => {
    const queue = createEventQueue(nothing);
    queue.push(warning('first'));
    for (let index = 0; index < 12; index++) queue.push(log(1024 * 1024, index));
    queue.push(warning('last'));
    queue.end();
    const events = await take(queue);
    const kept = events.flatMap((event) => (event.type === 'step:log' ? [event.chunk[0]] : []));
    expect(kept).toEqual([4, 5, 6, 7, 8, 9, 10, 11]);
    const warnings = events.filter((event) => event.type === 'warning');
    expect(warnings.map(({ code }) => code)).toEqual(['x', 'TBUILD_WARN_OUTPUT_DROPPED', 'x']);
  });

  const isPending = async (promise: Promise<void> | undefined): Promise<boolean> => {
    const pending = Symbol('pending');
    const turn = new Promise((resolve) => setImmediate(() => resolve(pending)));
    return promise !== undefined && (await Promise.race([promise, turn])) === pending;
  };

  test('holds output back when a reader does not keep up, and lets it go when that takes what waits', async () => {
    const queue = createEventQueue(nothing);
    const reader = queue[Symbol.asyncIterator]();
    queue.push(log(256 * 1024, 0));
    expect(queue.room()).toBeUndefined();
    for (let index = 0; index < 40; index++) queue.push(log(256 * 1024, index));
    const room = queue.room();
    expect(await isPending(room)).toBe(true);
    await reader.next();
    expect(await isPending(room)).toBe(false);
    // Beyond what an unread build keeps: nothing of it is dropped.
    for (let index = 0; index < 40; index++) expect((await reader.next()).value).toMatchObject({ type: 'step:log' });
  });

  test('holds nothing back while nobody reads', () => {
    const queue = createEventQueue(nothing);
    for (let index = 0; index < 12; index++) queue.push(log(1024 * 1024, index));
    expect(queue.room()).toBeUndefined();
  });

  test.each([
    ['leaves', (reader: AsyncIterator<BuildEvent>) => reader.return?.()],
    ['is left alone by an end that was forced', (_: unknown, queue: EventQueue) => queue.release()],
    ['has seen the end of the build', (_: unknown, queue: EventQueue) => queue.end()],
  ])('lets output go when its reader %s', async (_, leave) => {
    const queue = createEventQueue(nothing);
    const reader = queue[Symbol.asyncIterator]();
    queue.push(warning('1'));
    await reader.next();
    queue.push(log(1024 * 1024, 0));
    const room = queue.room();
    expect(await isPending(room)).toBe(true);
    await leave(reader, queue);
    expect(await isPending(room)).toBe(false);
    queue.push(log(1024 * 1024, 0));
    expect(queue.room()).toBeUndefined();
  });
});
