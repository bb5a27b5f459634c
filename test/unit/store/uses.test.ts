import { existsSync, readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Store } from '../../../src/store/types.ts';
import { readUses } from '../../../src/store/uses.ts';
import { commitLayer, imageRecord, tempStore } from '../../helpers/temp-store.ts';
import type { TempStore } from '../../helpers/temp-store.ts';

let temp: TempStore;
beforeEach(() => void (temp = tempStore()));
afterEach(() => temp[Symbol.asyncDispose]());

async function handle<T>(action: (store: Store) => Promise<T>): Promise<T> {
  const store = await temp.open();
  const result = await action(store);
  await store[Symbol.asyncDispose]();
  return result;
}

const key = (digit: string): string => digit.repeat(64);
const never = (): boolean => false;
const uses = (): ReturnType<typeof readUses> => readUses(join(temp.root, 'uses'));
const notes = (): readonly string[] => readdirSync(join(temp.root, 'uses'));
const dayMs = 24 * 3600 * 1000;
const past = (days: number): number => Date.now() - days * dayMs;

/** Makes every note, file and layer as old as that; what is used afterwards is young. */
function age(days: number): void {
  const then = new Date(past(days));
  for (const directory of ['uses', 'blobs/sha256', 'images/sha256'])
    for (const name of readdirSync(join(temp.root, directory)))
      utimesSync(join(temp.root, directory, name), then, then);
}

describe('what a store handle used', () => {
  test('is noted when it is closed: layers, blobs, and records without a layer', async () => {
    const [layer, blob] = await handle(async (store) => {
      store.noteRecordUse(key('a'));
      return [await commitLayer(store, { a: '1' }), await store.putBlob(Buffer.from('blob'))] as const;
    });
    const names = [...uses().keys()];
    expect(names.toSorted()).toEqual([`blob ${blob}`, `layer ${layer.layer}`, `record ${key('a')}`].toSorted());
    for (const time of uses().values()) expect(Date.now() - time).toBeLessThan(10_000);
    expect(readdirSync(join(temp.root, 'leases'))).toEqual([]);
  });

  test('the same again only renews the note, another use is another note', async () => {
    const { layer } = await handle((store) => commitLayer(store, { a: '1' }));
    const other = await handle((store) => commitLayer(store, { b: '1' }));
    expect(notes()).toHaveLength(2);
    age(3);
    await handle((store) => store.lease([layer]));
    expect(notes()).toHaveLength(2);
    expect(uses().get(`layer ${layer}`)).toBeGreaterThan(past(1));
    expect(uses().get(`layer ${other.layer}`)).toBeLessThan(past(2));
  });

  test('a handle that used nothing leaves nothing; a store from before there were notes gets some', async () => {
    await handle(async () => undefined);
    expect(notes()).toEqual([]);
    rmSync(join(temp.root, 'uses'), { recursive: true });
    expect(uses().size).toBe(0);
    await handle((store) => commitLayer(store, { a: '1' }));
    expect(notes()).toHaveLength(1);
  });

  test('notes go when they were not renewed for 30 days', async () => {
    await handle((store) => commitLayer(store, { a: '1' }));
    writeFileSync(join(temp.root, 'uses/old'), 'layer x\n');
    const old = new Date(past(31));
    utimesSync(join(temp.root, 'uses/old'), old, old);
    uses();
    await handle((store) => store.prune());
    expect(existsSync(join(temp.root, 'uses/old'))).toBe(false);
    expect(notes()).toHaveLength(1);
  });
});

describe('prune of what was not used since', () => {
  test('keeps what is younger, whether or not something needs it', async () => {
    const { lost, blob, image } = await handle(async (store) => {
      const layer = await commitLayer(store, { lost: 'x' });
      const dangling = imageRecord([await commitLayer(store, { dangling: 'y' })]);
      await store.putImage(dangling);
      return { lost: layer, blob: await store.putBlob(Buffer.from('lost')), image: dangling };
    });
    const nothing = { layers: [], blobs: [], images: [], records: 0 };
    expect(await handle((store) => store.prune({ all: true, unusedSince: past(1) }))).toMatchObject(nothing);
    const pruned = await handle((store) => store.prune({ all: true, unusedSince: Date.now() + 1000 }));
    expect(pruned.layers.map(({ id }) => id).toSorted()).toEqual([lost.layer, image.chain[0]!.layer].toSorted());
    expect(pruned.blobs.map(({ digest }) => digest)).toEqual([blob]);
    expect(pruned.images).toEqual([image.id]);
  });

  test('with all: records go by the last use of their layer, those without one by their own', async () => {
    const { used, unused } = await handle(async (store) => {
      const [one, two] = [await commitLayer(store, { used: '1' }), await commitLayer(store, { unused: '2' })];
      await store.addRecord(key('1'), { layer: one.layer }, never);
      await store.addRecord(key('2'), { layer: two.layer }, never);
      await store.addRecord(key('3'), { layer: null, heldOn: key('f'), created: past(9) }, never);
      await store.addRecord(key('4'), { layer: null, heldOn: key('f'), created: past(9) }, never);
      return { used: one, unused: two };
    });
    age(5);
    // Layers were made just now: only a limit in the future lets them count as old.
    const limit = Date.now() + 60_000;
    await handle(async (store) => {
      await store.lease([used.layer]);
      store.noteRecordUse(key('3'));
    });
    const later = new Date(limit + 60_000);
    for (const name of notes()) {
      const path = join(temp.root, 'uses', name);
      if (readFileSync(path, 'latin1').includes(`record ${key('3')}`)) utimesSync(path, later, later);
    }
    const pruned = await handle((store) => store.prune({ all: true, unusedSince: limit }));
    expect(pruned.layers.map(({ id }) => id)).toEqual([unused.layer]);
    const left = await handle((store) => store.allRecords());
    expect([...left.keys()].toSorted()).toEqual([key('1'), key('3')]);
  });
});
