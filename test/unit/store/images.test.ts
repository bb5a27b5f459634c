import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Digest } from '../../../src/oci/digest.ts';
import { loadAddon } from '../../../src/native/load.ts';
import type { ImageRecord, Store } from '../../../src/store/types.ts';
import { imageRecord, tempStore } from '../../helpers/temp-store.ts';
import type { TempStore } from '../../helpers/temp-store.ts';

let temp: TempStore;
let store: Store;
beforeEach(async () => {
  temp = tempStore();
  store = await temp.open();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await temp[Symbol.asyncDispose]();
});

const idOf = (digits: string): Digest => `sha256:${digits.padEnd(64, '0')}`;
async function put(digits: string, fields: Partial<ImageRecord> = {}): Promise<ImageRecord> {
  const image = imageRecord([], { id: idOf(digits), ...fields });
  await store.putImage(image);
  return image;
}

describe('findImage', () => {
  test('finds by name as docker normalises it', async () => {
    const image = await put('abcd1234');
    await store.tag(image.id, ['debian']);
    for (const name of ['debian', 'debian:latest', 'docker.io/library/debian', 'library/debian:latest']) {
      expect(await store.findImage(name)).toEqual({ name: 'docker.io/library/debian:latest', image });
    }
    expect(await store.findImage('debian:trixie')).toBeUndefined();
  });

  test('finds by id, and by a beginning of at least 4 digits', async () => {
    const image = await put('abcd1234');
    for (const id of [image.id, image.id.slice(7), 'abcd', 'abcd12', 'sha256:abcd']) {
      expect(await store.findImage(id)).toEqual({ name: undefined, image });
    }
    expect(await store.findImage('abc')).toBeUndefined();
    expect(await store.findImage('abce')).toBeUndefined();
    expect(await store.findImage(idOf('ff'))).toBeUndefined();
  });

  test('an ambiguous beginning is an error that shows both', async () => {
    await put('abcd1');
    await put('abcd2');
    await expect(store.findImage('abcd')).rejects.toMatchObject({
      code: 'TBUILD_REFERENCE',
      message: expect.stringContaining(idOf('abcd2')),
    });
    expect((await store.findImage('abcd2'))?.image.id).toBe(idOf('abcd2'));
  });

  test('a name goes before the beginning of an id', async () => {
    await put('abcd1');
    const named = await put('ff');
    await store.tag(named.id, ['abcd']);
    expect((await store.findImage('abcd'))?.image.id).toBe(named.id);
  });

  test('finds by the digest that it was pulled with', async () => {
    const pulled = `sha256:${'7'.repeat(64)}`;
    const image = await put('aa', { repoDigests: [`docker.io/library/debian@${pulled}`] });
    expect((await store.findImage(`debian@${pulled}`))?.image).toEqual(image);
    expect((await store.findImage(`debian:trixie@${pulled}`))?.image).toEqual(image);
    expect(await store.findImage(`alpine@${pulled}`)).toBeUndefined();
  });

  test('a malformed name is TBUILD_REFERENCE', async () => {
    await expect(store.findImage('Not A Name')).rejects.toMatchObject({ code: 'TBUILD_REFERENCE' });
  });

  test('a name whose image is damaged is TBUILD_STORE_CORRUPT; others are found', async () => {
    const image = await put('aa');
    const other = await put('bb');
    await store.tag(image.id, ['app']);
    await store.tag(other.id, ['other']);
    const path = join(temp.root, 'images/sha256', image.id.slice(7));
    writeFileSync(path, readFileSync(path, 'utf8').replace('amd64', 'arm64'));
    await expect(store.findImage('app')).rejects.toMatchObject({ code: 'TBUILD_STORE_CORRUPT' });
    expect(await store.findImage(image.id)).toBeUndefined();
    expect((await store.listImages()).map(({ name }) => name)).toEqual(['docker.io/library/other:latest']);
    await store.untag('app');
    expect(await store.findImage('app')).toBeUndefined();
  });
});

describe('tag', () => {
  test('moves names, however long, and lists each', async () => {
    const one = await put('aa');
    const two = await put('bb');
    const long = `registry.example.com:5000/${'deep/'.repeat(40)}app:v1`;
    await store.tag(one.id, ['app', long]);
    await store.tag(two.id, ['app']);
    expect((await store.findImage('app'))?.image.id).toBe(two.id);
    expect((await store.findImage(long))?.image.id).toBe(one.id);
    expect(await store.listImages()).toEqual([
      { name: long, image: one },
      { name: 'docker.io/library/app:latest', image: two },
    ]);
  });

  test('syncs the file system once, before the names move, and not at all when they are there already', async () => {
    const addon = loadAddon();
    const image = await put('aa');
    const sync = vi.spyOn(addon, 'syncFilesystem').mockImplementation(async () => {
      expect(readdirSync(join(temp.root, 'images/names'))).toEqual([]);
    });
    await store.tag(image.id, ['one', 'two']);
    expect(sync).toHaveBeenCalledTimes(1);
    expect(readdirSync(join(temp.root, 'images/names'))).toHaveLength(2);
    await store.tag(image.id, ['two', 'one']);
    expect(sync).toHaveBeenCalledTimes(1);
  });

  test('a failed sync moves no name', async () => {
    const image = await put('aa');
    vi.spyOn(loadAddon(), 'syncFilesystem').mockRejectedValue(new Error('EIO'));
    await expect(store.tag(image.id, ['app'])).rejects.toThrow('EIO');
    expect(await store.findImage('app')).toBeUndefined();
  });

  test('refuses an image that is not there, a malformed name, and a name with a digest', async () => {
    await expect(store.tag(idOf('aa'), ['app'])).rejects.toMatchObject({ code: 'TBUILD_IMAGE_NOT_FOUND' });
    const image = await put('aa');
    await expect(store.tag(image.id, ['UPPER'])).rejects.toMatchObject({ code: 'TBUILD_REFERENCE' });
    await expect(store.tag(image.id, [`app@${idOf('1')}`])).rejects.toMatchObject({ code: 'TBUILD_REFERENCE' });
    await expect(store.tag(image.id, ['sha256:abc'])).rejects.toMatchObject({ code: 'TBUILD_REFERENCE' });
    expect(await store.listImages()).toEqual([{ name: undefined, image }]);
  });
});

describe('untag and removeImage', () => {
  test('a name goes and the image stays, dangling', async () => {
    const image = await put('aa');
    await store.tag(image.id, ['app', 'other']);
    await store.untag('app');
    expect(await store.listImages()).toEqual([{ name: 'docker.io/library/other:latest', image }]);
    await store.untag('other');
    expect(await store.listImages()).toEqual([{ name: undefined, image }]);
    await expect(store.untag('app')).rejects.toMatchObject({ code: 'TBUILD_IMAGE_NOT_FOUND' });
  });

  test('an image with a name is in use', async () => {
    const image = await put('aa');
    await store.tag(image.id, ['app:v1']);
    await expect(store.removeImage(image.id)).rejects.toMatchObject({
      code: 'TBUILD_IMAGE_IN_USE',
      message: expect.stringContaining('app:v1'),
    });
    await store.untag('app:v1');
    await store.removeImage(image.id);
    expect(await store.listImages()).toEqual([]);
    await expect(store.removeImage(image.id)).rejects.toMatchObject({ code: 'TBUILD_IMAGE_NOT_FOUND' });
  });
});
