import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import { freedBytes, measureOwnTrees, usedBytes } from '../../../src/store/removal.ts';
import { chainState } from '../../../src/store/chain.ts';
import type { TreeUsage } from '../../../src/native/helper-types.ts';
import type { ChainLayer, Store } from '../../../src/store/types.ts';
import { commitLayer, imageRecord, tempStore } from '../../helpers/temp-store.ts';
import type { TempStore } from '../../helpers/temp-store.ts';

let temp: TempStore;
/** Prunes; everything else is made by other handles, which are gone by then. */
let store: Store;
beforeEach(async () => {
  temp = tempStore();
  store = await temp.open();
});
afterEach(async () => {
  await temp[Symbol.asyncDispose]();
});

async function before<T>(action: (maker: Store) => Promise<T>): Promise<T> {
  const maker = await temp.open();
  const result = await action(maker);
  await maker[Symbol.asyncDispose]();
  return result;
}

const diskUse = async (): Promise<number> => usedBytes(await measureOwnTrees([temp.root]));
const layersLeft = (): string[] => readdirSync(join(temp.root, 'layers')).sort();
const idsOf = (...layers: readonly ChainLayer[]): string[] => layers.map(({ layer }) => layer).sort();
const key = (digit: string): string => digit.repeat(64);
const never = (): boolean => false;

test('a file with several links is counted once, and freed with the last of them', () => {
  const file = { inode: 7, bytes: 100, links: 3 };
  const tree = (seen: number): TreeUsage => ({ bytes: 10, linked: [{ ...file, seen }] });
  expect(usedBytes([tree(1), tree(1)])).toBe(120);
  expect(freedBytes([tree(1), tree(1)])).toBe(20);
  expect(freedBytes([tree(1), tree(2)])).toBe(120);
  expect(freedBytes([])).toBe(0);
});

describe('prune', () => {
  test('removes what nothing reaches, and says so', async () => {
    const { lost, blob } = await before(async (maker) => ({
      lost: await commitLayer(maker, { a: '12345' }),
      blob: await maker.putBlob(Buffer.from('123')),
    }));
    const expected = {
      layers: [{ id: lost.layer, size: 5 }],
      blobs: [{ digest: blob, size: 3 }],
      records: 0,
      images: [],
      mounts: [],
    };
    const { reclaimed, ...planned } = await store.prune({ dryRun: true });
    expect(planned).toEqual(expected);
    const used = await diskUse();
    expect(layersLeft()).toEqual([lost.layer]);
    expect(await store.prune()).toEqual({ ...expected, reclaimed });
    expect(used - (await diskUse())).toBe(reclaimed);
    expect(layersLeft()).toEqual([]);
    expect(existsSync(store.blobPath(blob))).toBe(false);
    expect(await store.prune()).toEqual({ layers: [], blobs: [], records: 0, images: [], mounts: [], reclaimed: 0 });
  });

  test('keeps a named image with its layers, config, manifest and the blobs that this one names', async () => {
    const layerBlob = Buffer.from('compressed layer');
    const arrived = Buffer.from('as it arrived');
    const { chain, image } = await before(async (maker) => {
      const layers = [await commitLayer(maker, { a: '1' }), await commitLayer(maker, { b: '2' })];
      const id = await maker.putBlob(Buffer.from('config'));
      await maker.putBlob(layerBlob);
      const manifest = Buffer.from(
        JSON.stringify({ config: { digest: id }, layers: [{ digest: digestOf(layerBlob) }] }),
      );
      const digest = await maker.putBlob(manifest);
      const blob = { mediaType: 'layer', digest: await maker.putBlob(arrived), size: arrived.length };
      await maker.putDiffId(layers[0]!.diffId, { layer: layers[0]!.layer, state: layers[0]!.state, blob });
      const record = imageRecord(layers, { id, manifest: { mediaType: 'manifest', digest, size: manifest.length } });
      await maker.putImage(record);
      await maker.tag(id, ['app']);
      return { chain: layers, image: record };
    });
    await store.prune({ all: true });
    expect(layersLeft()).toEqual(idsOf(...chain));
    for (const digest of [image.id, image.manifest!.digest, digestOf(layerBlob), digestOf(arrived)]) {
      expect(existsSync(store.blobPath(digest))).toBe(true);
    }
    expect((await store.findImage('app'))?.image).toEqual(image);
    expect(await store.findDiffId(chain[0]!.diffId)).toBeDefined();

    await store.untag('app');
    const result = await store.prune();
    expect(result.images).toEqual([image.id]);
    expect(result.blobs).toHaveLength(4);
    expect(layersLeft()).toEqual([]);
    expect(await store.listImages()).toEqual([]);
    expect(await store.findDiffId(chain[0]!.diffId)).toBeUndefined();
  });

  test('keeps what records lead to; with all, only what named images lead to', async () => {
    const { used, cached } = await before(async (maker) => {
      const one = await commitLayer(maker, { used: 'x' });
      const two = await commitLayer(maker, { cached: 'yy' });
      await maker.addRecord(key('1'), { layer: one.layer }, never);
      await maker.addRecord(key('2'), { layer: one.layer, again: true }, never);
      await maker.addRecord(key('2'), { layer: two.layer }, never);
      await maker.addRecord(key('3'), { layer: two.layer }, never);
      const image = imageRecord([one]);
      await maker.putImage(image);
      await maker.tag(image.id, ['app']);
      return { used: one, cached: two };
    });
    expect(await store.prune()).toMatchObject({ layers: [], records: 0 });
    expect(layersLeft()).toEqual(idsOf(used, cached));

    expect(await store.prune({ all: true })).toMatchObject({ layers: [{ id: cached.layer, size: 2 }], records: 2 });
    expect(layersLeft()).toEqual(idsOf(used));
    expect(await store.readRecords(key('1'))).toEqual([{ layer: used.layer }]);
    expect(await store.readRecords(key('2'))).toEqual([{ layer: used.layer, again: true }]);
    expect(await store.readRecords(key('3'))).toEqual([]);
  });

  test('with all, records of steps without a layer stay where a named image passes through their state', async () => {
    await before(async (maker) => {
      const layer = await commitLayer(maker, { used: 'x' });
      await maker.addRecord(key('1'), { layer: null, heldOn: chainState([layer]) }, never);
      await maker.addRecord(key('2'), { layer: null, heldOn: chainState([]) }, never);
      await maker.addRecord(key('3'), { layer: null, heldOn: key('f') }, never);
      const image = imageRecord([layer]);
      await maker.putImage(image);
      await maker.tag(image.id, ['app']);
    });
    expect((await store.prune()).records).toBe(0);
    expect((await store.prune({ all: true })).records).toBe(1);
    expect(await store.readRecords(key('1'))).toHaveLength(1);
    expect(await store.readRecords(key('2'))).toHaveLength(1);
    expect(await store.readRecords(key('3'))).toEqual([]);
  });

  test('drops records whose layer is gone, and torn ones', async () => {
    await before(async (maker) => {
      await maker.addRecord(key('1'), { layer: key('a') }, never);
      await maker.addRecord(key('2'), { layer: null }, never);
    });
    writeFileSync(join(temp.root, 'records/22', key('2')), 'torn');
    expect((await store.prune()).records).toBe(1);
    expect(
      readdirSync(join(temp.root, 'records')).flatMap((shard) => readdirSync(join(temp.root, 'records', shard))),
    ).toEqual([]);
  });

  test('keeps what a live handle leased, made or put, until that is disposed', async () => {
    const lost = await before((maker) => commitLayer(maker, { lost: 'x' }));
    const build = await temp.open();
    await build.lease([lost.layer]);
    const made = await commitLayer(build, { made: 'y' });
    const blob = await build.putBlob(Buffer.from('blob'));
    const image = imageRecord([await before((maker) => commitLayer(maker, { inImage: 'z' }))]);
    await build.putImage(image);

    expect(await store.prune({ all: true })).toMatchObject({ layers: [], blobs: [], images: [] });
    expect(layersLeft()).toEqual(idsOf(lost, made, image.chain[0]!));
    expect(await build.hasBlob(blob)).toBe(true);

    await build[Symbol.asyncDispose]();
    const result = await store.prune({ all: true });
    expect(result.layers.map(({ id }) => id).sort()).toEqual(idsOf(lost, made, image.chain[0]!));
    expect(result.images).toEqual([image.id]);
    expect(readdirSync(join(temp.root, 'leases'))).toEqual([]);
  });

  test('removes leases and jobs of processes that are gone', async () => {
    const { layer } = await before((maker) => commitLayer(maker, { a: 'x' }));
    writeFileSync(join(temp.root, 'leases/dead'), `layer ${layer}\n`);
    mkdirSync(join(temp.root, 'tmp/dead/job-1/diff'), { recursive: true });
    expect((await store.prune()).layers.map(({ id }) => id)).toEqual([layer]);
    expect(existsSync(join(temp.root, 'leases/dead'))).toBe(false);
    expect(existsSync(join(temp.root, 'tmp/dead'))).toBe(false);
  });

  test('removes trees through the caller, out of sight first', async () => {
    const { layer } = await before((maker) => commitLayer(maker, { a: 'x' }));
    const seen: string[] = [];
    const pruner = await temp.open({
      removeTree: async (paths) => {
        expect(layersLeft()).toEqual([]);
        for (const path of paths) seen.push(...readdirSync(path));
      },
    });
    expect((await pruner.prune()).layers.map(({ id }) => id)).toEqual([layer]);
    expect(seen).toEqual(['diff', 'layer.json', 'listing']);
  });

  test('removes what was not used for 30 days of parsed Dockerfiles, stat indexes and reports', async () => {
    await before(async (maker) => {
      await maker.writeValue('dockerfiles', 'old', 1);
      await maker.writeValue('dockerfiles', 'new', 1);
      await maker.writeBytes('contexts', 'old', Buffer.from('x'));
    });
    const old = new Date(Date.now() - 31 * 24 * 3600 * 1000);
    for (const path of ['dockerfiles/old', 'contexts/old']) utimesSync(join(temp.root, path), old, old);
    const { reclaimed } = await store.prune();
    expect(reclaimed).toBeGreaterThan(0);
    expect(await store.readValue('dockerfiles', 'old')).toBeUndefined();
    expect(await store.readValue('dockerfiles', 'new')).toBe(1);
    expect(await store.readBytes('contexts', 'old')).toBeUndefined();
  });

  test('an aborted one rejects with the reason and changes nothing', async () => {
    const { layer } = await before((maker) => commitLayer(maker, { a: 'x' }));
    await expect(store.prune({ signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
    expect(layersLeft()).toEqual([layer]);
  });
});
