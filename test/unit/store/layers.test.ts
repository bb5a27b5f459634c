import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadChecksum } from '../../../src/util/checksum.ts';
import { sealJson, unsealJson } from '../../../src/store/guarded.ts';
import type { LayerInfo, Store } from '../../../src/store/types.ts';
import {
  commitJob,
  commitLayer,
  committedDiff,
  imageRecord,
  overwrite,
  tempStore,
  writeDiff,
} from '../../helpers/temp-store.ts';
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

const spec = { 'a.txt': 'hello' };
const inLayer = (id: string, name: string): string => join(temp.root, 'layers', id, name);

describe('commitLayer', () => {
  test('makes the job directory the layer, with diff, listing and layer.json and nothing else', async () => {
    await using job = await store.createJob();
    writeDiff(job.diff, spec);
    mkdirSync(join(job.work, 'work'), { recursive: true });
    const diff = committedDiff(spec);
    const info = await job.commitLayer(diff, { omitted: ['dev/null'] });
    expect(info).toMatchObject({
      id: diff.sha256,
      state: diff.state,
      diffId: `sha256:${diff.diffId}`,
      tarSize: 1024,
      size: 5,
      entries: 1,
      omitted: ['dev/null'],
    });
    expect(readdirSync(inLayer(info.id, ''))).toEqual(['diff', 'layer.json', 'listing']);
    expect(readFileSync(join(store.diffDirectory(info.id), 'a.txt'), 'utf8')).toBe('hello');
    expect(await store.layerInfo(info.id)).toEqual(info);
    expect(existsSync(job.path)).toBe(false);
  });

  test('succeeds when somebody was first, and what was there stays', async () => {
    const other = await temp.open();
    const first = await commitLayer(other, spec);
    const ino = statSync(store.diffDirectory(first.layer)).ino;
    const second = await commitLayer(store, spec);
    expect(second).toEqual(first);
    expect(statSync(store.diffDirectory(first.layer)).ino).toBe(ino);
    expect(await store.layerInfo(first.layer)).toEqual(await other.layerInfo(first.layer));
  });

  test('adds the diffID to a layer that somebody committed without one', async () => {
    await using job = await store.createJob();
    writeDiff(job.diff, spec);
    const { diffId: _, tarSize: __, ...rest } = committedDiff(spec);
    const without = await job.commitLayer({ ...rest, diffId: undefined, tarSize: undefined });
    expect(without.diffId).toBeUndefined();
    const other = await temp.open();
    await commitLayer(other, spec);
    const expected = { ...without, diffId: `sha256:${committedDiff(spec).diffId}`, tarSize: 1024 };
    expect(await other.layerInfo(without.id)).toEqual(expected);
    expect(await (await temp.open()).layerInfo(without.id)).toEqual(expected);
  });

  test.each(['listing', 'layer.json'])(
    'heals a damaged %s of the same layer without touching its diff',
    async (name) => {
      const first = await commitLayer(store, spec);
      const image = imageRecord([first]);
      await store.putImage(image);
      await store.tag(image.id, ['app']);
      const whole = readFileSync(inLayer(first.layer, name));
      const damaged = Buffer.from(whole);
      damaged[3] = 0;
      overwrite(inLayer(first.layer, name), damaged);
      const ino = statSync(store.diffDirectory(first.layer)).ino;
      const other = await temp.open();
      await commitLayer(other, spec);
      expect(statSync(store.diffDirectory(first.layer)).ino).toBe(ino);
      const fresh = await temp.open();
      expect(fresh.listing(first.layer).find('a.txt')?.size).toBe(5);
      expect(await fresh.layerInfo(first.layer)).toMatchObject({ id: first.layer, entries: 1 });
    },
  );

  test('is refused a second time, and without a diff directory', async () => {
    await using job = await store.createJob();
    await expect(job.commitLayer(committedDiff(spec))).rejects.toThrow(/no diff directory/);
    await using second = await store.createJob();
    writeDiff(second.diff, spec);
    await second.commitLayer(committedDiff(spec));
    await expect(second.commitLayer(committedDiff(spec))).rejects.toThrow(/committed already/);
  });

  test('refuses an answer of the helper that would lead out of the store', async () => {
    await using job = await store.createJob();
    writeDiff(job.diff, spec);
    await expect(job.commitLayer({ ...committedDiff(spec), sha256: '../../x' })).rejects.toMatchObject({
      code: 'TBUILD_HELPER',
    });
  });

  test('an uncommitted job goes with its disposal, whatever is in it', async () => {
    const job = await store.createJob();
    writeDiff(job.diff, { a: { type: 'directory' }, 'a/b': 'x' });
    expect(existsSync(job.diff)).toBe(true);
    await job[Symbol.asyncDispose]();
    expect(existsSync(job.path)).toBe(false);
  });

  test('trees are removed through the caller, who may remove what this process may not', async () => {
    const removed: string[][] = [];
    const other = await temp.open({
      removeTree: async (paths) => void removed.push([...paths]),
    });
    const job = await other.createJob();
    writeDiff(job.diff, spec);
    await job[Symbol.asyncDispose]();
    expect(removed).toEqual([[job.path]]);
  });
});

describe('lease', () => {
  test('says of each layer whether it is there', async () => {
    const { layer } = await commitLayer(store, spec);
    const other = await temp.open();
    expect(await other.lease([layer, '0'.repeat(64), layer])).toEqual([true, false, true]);
    expect(await other.lease([])).toEqual([]);
  });

  test('a layer with a torn layer.json is not there', async () => {
    const { layer } = await commitLayer(store, spec);
    const path = inLayer(layer, 'layer.json');
    writeFileSync(path, readFileSync(path).subarray(0, -3));
    const other = await temp.open();
    expect(await other.lease([layer])).toEqual([false]);
    expect(await other.layerInfo(layer)).toBeUndefined();
  });
});

describe('a layer of an earlier start of the machine', () => {
  /** As if the machine had been switched off after the commit. */
  async function fromEarlierBoot(path: string): Promise<void> {
    const checksum = await loadChecksum();
    const info = unsealJson(readFileSync(path), checksum) as LayerInfo;
    overwrite(path, sealJson({ ...info, bootId: 'an earlier one' }, checksum));
  }

  test('is not there without a sync mark', async () => {
    const { layer } = await commitLayer(store, spec);
    await fromEarlierBoot(inLayer(layer, 'layer.json'));
    const other = await temp.open();
    expect(await other.lease([layer])).toEqual([false]);
    expect(await other.layerInfo(layer)).toBeUndefined();
  });

  test('is there when an image was named after it', async () => {
    const chain = [await commitLayer(store, spec)];
    const image = imageRecord(chain);
    await store.putImage(image);
    await store.tag(image.id, ['app']);
    const path = inLayer(chain[0]!.layer, 'layer.json');
    expect(statSync(path).mode & 0o777).toBe(0o400);
    await fromEarlierBoot(path);
    expect(await (await temp.open()).lease([chain[0]!.layer])).toEqual([true]);
  });

  test('naming an image marks layers that another process made in this start, and no others', async () => {
    const chain = [await commitLayer(store, spec), await commitLayer(store, { b: 'torn' })];
    await fromEarlierBoot(inLayer(chain[1]!.layer, 'layer.json'));
    const other = await temp.open();
    const image = imageRecord(chain);
    await other.putImage(image);
    await other.tag(image.id, ['app']);
    const modes = chain.map(({ layer }) => statSync(inLayer(layer, 'layer.json')).mode & 0o777);
    expect(modes).toEqual([0o400, 0o600]);
  });

  test('is replaced by whoever makes it again', async () => {
    const { layer } = await commitLayer(store, spec);
    await fromEarlierBoot(inLayer(layer, 'layer.json'));
    writeFileSync(inLayer(layer, 'diff/a.txt'), '\0\0\0\0\0');
    const other = await temp.open();
    await commitLayer(other, spec);
    expect(await other.lease([layer])).toEqual([true]);
    expect(readFileSync(inLayer(layer, 'diff/a.txt'), 'utf8')).toBe('hello');
  });

  test('is not there, and not even asked about, when its listing is torn', async () => {
    const { layer } = await commitLayer(store, spec);
    await fromEarlierBoot(inLayer(layer, 'layer.json'));
    writeFileSync(inLayer(layer, 'listing'), '');
    const other = await temp.open({ verifyLayer: async () => Promise.reject(new Error('asked')) });
    expect(await other.lease([layer])).toEqual([false]);
  });

  test.each([true, false])(
    'is what the verification says (%s), which is asked once and gets its listing',
    async (answer) => {
      const { layer } = await commitLayer(store, spec);
      await fromEarlierBoot(inLayer(layer, 'layer.json'));
      const asked: string[] = [];
      const other = await temp.open({
        verifyLayer: async ({ id, diff, listing }) => {
          asked.push(id, diff, ...[...listing.entries()].map(({ path }) => path));
          return answer;
        },
      });
      expect(await other.lease([layer])).toEqual([answer]);
      if (answer) expect(await other.lease([layer])).toEqual([true]);
      expect(asked).toEqual([layer, store.diffDirectory(layer), 'a.txt']);
      expect(await (await temp.open()).lease([layer])).toEqual([answer]);
    },
  );
});

describe('a job of a process that is gone', () => {
  test('is removed by the next one that works in the store', async () => {
    const dead = join(temp.root, 'tmp', 'dead');
    mkdirSync(join(dead, 'job-1', 'diff'), { recursive: true });
    writeFileSync(join(temp.root, 'tmp', 'torn-file'), 'x');
    const live = await (await temp.open()).createJob();
    const job = await store.createJob();
    await job[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
    expect(existsSync(dead)).toBe(false);
    expect(existsSync(live.path)).toBe(true);
    expect(readdirSync(join(temp.root, 'tmp'))).toHaveLength(1);
    await live[Symbol.asyncDispose]();
  });

  test('does not stop a build when it cannot be removed', async () => {
    mkdirSync(join(temp.root, 'tmp', 'dead', 'x'), { recursive: true });
    const other = await temp.open({ removeTree: async () => Promise.reject(new Error('not mine')) });
    const job = await other.createJob();
    writeDiff(job.diff, spec);
    const layer = await commitJob(await store.createJob(), spec);
    expect(await other.lease([layer.layer])).toEqual([true]);
    await expect(other[Symbol.asyncDispose]()).rejects.toThrow('not mine');
  });
});
