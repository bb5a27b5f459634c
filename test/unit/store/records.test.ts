import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Store } from '../../../src/store/types.ts';
import { tempStore } from '../../helpers/temp-store.ts';
import type { TempStore } from '../../helpers/temp-store.ts';

let temp: TempStore;
let store: Store;
beforeEach(async () => {
  temp = tempStore();
  store = await temp.open();
});
afterEach(async () => {
  await temp[Symbol.asyncDispose]();
});

const key = 'cd'.repeat(32);
const never = (): boolean => false;

describe('records', () => {
  test('are none for a key that nobody wrote', async () => {
    expect(await store.readRecords(key)).toEqual([]);
  });

  test('come newest first, for every handle', async () => {
    for (const number of [1, 2, 3]) await store.addRecord(key, { layer: null, number }, never);
    const expected = [3, 2, 1].map((number) => ({ layer: null, number }));
    expect(await store.readRecords(key)).toEqual(expected);
    expect(await (await temp.open()).readRecords(key)).toEqual(expected);
    expect(await store.readRecords('ef'.repeat(32))).toEqual([]);
  });

  test('a new one takes the place of those that it replaces', async () => {
    for (const number of [1, 2, 3]) await store.addRecord(key, { layer: null, number }, never);
    await store.addRecord(
      key,
      { layer: null, number: 2, again: true },
      (other) => (other as { number: number }).number === 2,
    );
    expect(await store.readRecords(key)).toEqual([
      { layer: null, number: 2, again: true },
      { layer: null, number: 3 },
      { layer: null, number: 1 },
    ]);
  });

  test('the oldest beyond 16 are dropped', async () => {
    for (let number = 0; number < 20; number += 1) await store.addRecord(key, { number }, never);
    const numbers = (await store.readRecords(key)).map((record) => (record as { number: number }).number);
    expect(numbers).toEqual(Array.from({ length: 16 }, (_, index) => 19 - index));
  });

  test('added at the same time through several handles are all kept', async () => {
    const handles = await Promise.all([1, 2, 3, 4].map(() => temp.open()));
    await Promise.all(
      handles.flatMap((handle, one) => [0, 1, 2].map((two) => handle.addRecord(key, { id: `${one}.${two}` }, never))),
    );
    const ids = (await store.readRecords(key)).map((record) => (record as { id: string }).id).sort();
    expect(ids).toEqual([0, 1, 2, 3].flatMap((one) => [0, 1, 2].map((two) => `${one}.${two}`)));
  });

  test('altered or cut anywhere they are absent, and a new one can be added', async () => {
    await store.addRecord(key, { layer: null, text: 'original' }, never);
    const path = join(temp.root, 'records/cd', key);
    const whole = readFileSync(path);
    for (let offset = 0; offset < whole.length; offset += 1) {
      const altered = Buffer.from(whole);
      altered[offset] = (altered[offset] ?? 0) ^ 4;
      writeFileSync(path, altered);
      expect([offset, await store.readRecords(key)]).toEqual([offset, []]);
      writeFileSync(path, whole.subarray(0, offset));
      expect([offset, await store.readRecords(key)]).toEqual([offset, []]);
    }
    await store.addRecord(key, { layer: null, text: 'anew' }, never);
    expect(await store.readRecords(key)).toEqual([{ layer: null, text: 'anew' }]);
  });

  test('a key that is not 64 hexadecimal digits never becomes a path', async () => {
    for (const bad of ['', '..', '../../x', key.toUpperCase()])
      await expect(store.readRecords(bad)).rejects.toThrow(TypeError);
    expect(readdirSync(join(temp.root, 'records'))).toEqual([]);
  });
});

describe('values', () => {
  test('come back under their kind and name', async () => {
    await store.writeValue('dockerfiles', 'a/b', { one: 1 });
    await store.writeValue('builds', 'a/b', ['two']);
    expect(await store.readValue('dockerfiles', 'a/b')).toEqual({ one: 1 });
    expect(await store.readValue('builds', 'a/b')).toEqual(['two']);
    expect(await store.readValue('builds', 'other')).toBeUndefined();
  });

  test('are absent when torn', async () => {
    await store.writeValue('builds', 'last', { long: 'x'.repeat(100) });
    const path = join(temp.root, 'builds/last');
    writeFileSync(path, readFileSync(path).subarray(0, 50));
    expect(await store.readValue('builds', 'last')).toBeUndefined();
  });

  test('bytes come back whole or not at all', async () => {
    const bytes = Buffer.alloc(300_000, 'index');
    await store.writeBytes('contexts', '/home/me/app', bytes);
    expect((await store.readBytes('contexts', '/home/me/app'))?.equals(bytes)).toBe(true);
    const path = join(temp.root, 'contexts', readdirSync(join(temp.root, 'contexts'))[0]!);
    writeFileSync(path, readFileSync(path).subarray(0, -1));
    expect(await store.readBytes('contexts', '/home/me/app')).toBeUndefined();
    expect(await store.readBytes('contexts', '/elsewhere')).toBeUndefined();
  });

  test('what is known about a diffID comes back', async () => {
    const diffId = `sha256:${'1'.repeat(64)}` as const;
    const info = { layer: '2'.repeat(64), state: '3'.repeat(64), blob: { mediaType: 'x', digest: diffId, size: 7 } };
    expect(await store.findDiffId(diffId)).toBeUndefined();
    await store.putDiffId(diffId, info);
    expect(await store.findDiffId(diffId)).toEqual(info);
  });
});
