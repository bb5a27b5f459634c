import { afterEach, beforeEach, expect, test } from 'vitest';
import { removeImage } from '../../../src/image/remove.ts';
import type { ImageRecord, Store } from '../../../src/store/types.ts';
import { commitLayer, imageRecord, tempStore } from '../../helpers/temp-store.ts';
import type { TempStore } from '../../helpers/temp-store.ts';

const digest = `sha256:${'b'.repeat(64)}`;

let directory: TempStore;
let store: Store;
let image: ImageRecord;
beforeEach(async () => {
  directory = tempStore();
  store = await directory.open();
  image = imageRecord([await commitLayer(store, { file: 'x' })], { repoDigests: [`docker.io/library/app@${digest}`] });
  await store.putImage(image);
});
afterEach(async () => {
  await directory[Symbol.asyncDispose]();
});

test('a name goes; the image stays while it has another', async () => {
  await store.tag(image.id, ['app:v1', 'app:v2']);
  expect(await removeImage(store, 'app:v1')).toEqual({ untagged: ['app:v1'], deleted: [] });
  expect((await store.findImage('app:v2'))?.image).toEqual(image);
});

test('the image goes with its last name', async () => {
  await store.tag(image.id, ['app']);
  expect(await removeImage(store, 'app')).toEqual({ untagged: ['app:latest', `app@${digest}`], deleted: [image.id] });
  expect(await store.findImage(image.id)).toBeUndefined();
});

test('by id a single name goes too', async () => {
  await store.tag(image.id, ['app']);
  const removed = await removeImage(store, image.id.slice(7, 19));
  expect(removed).toEqual({ untagged: ['app:latest', `app@${digest}`], deleted: [image.id] });
});

test('by id several names need force', async () => {
  await store.tag(image.id, ['app:v1', 'app:v2']);
  await expect(removeImage(store, image.id)).rejects.toThrow(
    expect.objectContaining({ code: 'TBUILD_IMAGE_IN_USE', hint: expect.stringContaining('app:v1, app:v2') }),
  );
  expect((await removeImage(store, image.id, { force: true })).deleted).toEqual([image.id]);
  expect(await store.listImages()).toEqual([]);
});

test('what is not there is a coded error', async () => {
  await expect(removeImage(store, 'Not A Name')).rejects.toThrow(expect.objectContaining({ code: 'TBUILD_REFERENCE' }));
  await expect(removeImage(store, 'none')).rejects.toThrow(expect.objectContaining({ code: 'TBUILD_IMAGE_NOT_FOUND' }));
});
