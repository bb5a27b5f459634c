import { afterAll, beforeAll, expect, test } from 'vitest';
import { addReruns, readReruns } from '../../../src/cache/reruns.ts';
import type { Store } from '../../../src/store/types.ts';
import { tempStore } from '../../helpers/temp-store.ts';
import type { TempStore } from '../../helpers/temp-store.ts';

let temp: TempStore;
let store: Store;
beforeAll(async () => {
  temp = tempStore();
  store = await temp.open();
});
afterAll(() => temp[Symbol.asyncDispose]());

const texts = ['COPY a /', 'COPY b /', 'RUN x', 'RUN y'];

test('runs are counted by step and copy, and what the Dockerfile no longer has is forgotten', async () => {
  const report = '0'.repeat(32);
  const add = (step: string, copies: readonly string[], known = texts): Promise<void> =>
    addReruns(store, report, { reruns: [{ step, copies }], texts: known });
  expect((await readReruns(store, report))('RUN x', 'COPY a /')).toBe(0);
  await add('RUN x', ['COPY a /']);
  await add('RUN x', ['COPY a /', 'COPY b /']);
  await add('RUN y', ['COPY b /']);
  let reruns = await readReruns(store, report);
  expect([reruns('RUN x', 'COPY a /'), reruns('RUN x', 'COPY b /'), reruns('RUN y', 'COPY b /')]).toEqual([2, 1, 1]);
  expect((await readReruns(store, '1'.repeat(32)))('RUN x', 'COPY a /')).toBe(0);

  await add('RUN y', ['COPY b /'], ['COPY b /', 'RUN x', 'RUN y']);
  reruns = await readReruns(store, report);
  expect([reruns('RUN x', 'COPY a /'), reruns('RUN x', 'COPY b /'), reruns('RUN y', 'COPY b /')]).toEqual([0, 1, 2]);
});

test.each([
  [undefined],
  [{ version: 2, counts: { x: 1 } }],
  [{ version: 1, counts: null }],
  [{ version: 1, counts: { x: 'y' } }],
])('what is no count is as good as absent: %j', async (value) => {
  const report = '2'.repeat(32);
  await store.writeValue('builds', `${report}-reruns`, value ?? null);
  expect((await readReruns(store, report))('RUN x', 'COPY a /')).toBe(0);
});
