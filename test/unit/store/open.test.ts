import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadAddon } from '../../../src/native/load.ts';
import { openStore } from '../../../src/store/open.ts';
import { openLock } from '../../../src/store/lock.ts';
import { openFilesBelow } from '../../helpers/leaks.ts';
import { commitLayer, imageRecord, tempStore } from '../../helpers/temp-store.ts';
import type { TempStore } from '../../helpers/temp-store.ts';

let temp: TempStore;
beforeEach(() => void (temp = tempStore()));
afterEach(async () => {
  await temp[Symbol.asyncDispose]();
});

describe('openStore', () => {
  test('opens nothing and writes nothing but the store itself', async () => {
    const store = await openStore({ root: temp.root });
    expect(store.root).toBe(temp.root);
    expect(openFilesBelow(temp.root)).toEqual([]);
    expect([...readdirSync(join(temp.root, 'tmp')), ...readdirSync(join(temp.root, 'leases'))]).toEqual([]);
    await store[Symbol.asyncDispose]();
  });

  test('refuses a store of a newer format', async () => {
    mkdirSync(temp.root, { recursive: true });
    writeFileSync(join(temp.root, 'version'), '7\n');
    await expect(temp.open()).rejects.toMatchObject({ code: 'TBUILD_STORE_VERSION' });
  });

  test('an aborted signal rejects with its reason', async () => {
    await expect(temp.open({ signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow('stop');
  });

  test('disposal leaves no descriptor open, no lease and nothing in tmp/, and can be repeated', async () => {
    const store = await temp.open();
    const image = imageRecord([await commitLayer(store, { a: 'x' })]);
    await store.createJob();
    await store.blobWriter().then((writer) => writer[Symbol.asyncDispose]());
    await store.addRecord('0'.repeat(64), { layer: null }, () => false);
    await store.putImage(image);
    await store.tag(image.id, ['app']);
    store.listing(image.chain[0]!.layer);
    expect(openFilesBelow(temp.root).length).toBeGreaterThan(0);
    await store[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
    expect(openFilesBelow(temp.root)).toEqual([]);
    expect([...readdirSync(join(temp.root, 'tmp')), ...readdirSync(join(temp.root, 'leases'))]).toEqual([]);
  });

  test('a disposed handle cannot lease or make anything', async () => {
    const store = await temp.open();
    await store[Symbol.asyncDispose]();
    await expect(store.createJob()).rejects.toThrow(/closed/);
    await expect(store.lease(['0'.repeat(64)])).rejects.toThrow(/closed/);
    expect(openFilesBelow(temp.root)).toEqual([]);
  });
});

describe('a lock', () => {
  test('is waited for without blocking, and the wait ends with the signal', async () => {
    const store = await temp.open();
    const addon = loadAddon();
    const path = join(temp.root, 'gc.lock');
    const holder = openLock(addon, path);
    expect(addon.lock(holder.fd(), 'exclusive', false)).toBe(true);
    const abort = new AbortController();
    const impatient = await temp.open({ signal: abort.signal });
    const waiting = store.lease([]);
    const givingUp = impatient.lease([]);
    abort.abort(new Error('no longer wanted'));
    await expect(givingUp).rejects.toThrow('no longer wanted');
    addon.lock(holder.fd(), 'none', false);
    await expect(waiting).resolves.toEqual([]);
    holder.close();
  });

  test('is let go of when the action throws', async () => {
    await temp.open();
    const addon = loadAddon();
    const [one, two] = [1, 2].map(() => openLock(addon, join(temp.root, 'gc.lock')));
    await expect(
      one!.run('exclusive', () => {
        throw new Error('inside');
      }),
    ).rejects.toThrow('inside');
    await expect(two!.run('exclusive', () => 'free')).resolves.toBe('free');
    expect(() =>
      one!.runNow(() => {
        throw new Error('inside');
      }),
    ).toThrow('inside');
    expect(two!.runNow(() => 'free')).toBe('free');
    one!.close();
    two!.close();
  });
});
