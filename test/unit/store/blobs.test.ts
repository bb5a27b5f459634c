import { readFileSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import type { Store } from '../../../src/store/types.ts';
import { openFilesBelow } from '../../helpers/leaks.ts';
import { imageRecord, tempStore } from '../../helpers/temp-store.ts';
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

const content = Buffer.from('{"schemaVersion":2}');
const digest = digestOf(content);

describe('blobs', () => {
  test('are stored under their digest', async () => {
    expect(await store.hasBlob(digest)).toBe(false);
    expect(await store.putBlob(content)).toBe(digest);
    expect(await store.hasBlob(digest)).toBe(true);
    expect(readFileSync(store.blobPath(digest))).toEqual(content);
    expect(await store.readBlob(digest)).toEqual(content);
  });

  test('a missing one cannot be read', async () => {
    await expect(store.readBlob(digest)).rejects.toMatchObject({ code: 'TBUILD_STORE_CORRUPT', details: { digest } });
  });

  test('an altered one is not served, and goes, so that it can be fetched again', async () => {
    await store.putBlob(content);
    writeFileSync(store.blobPath(digest), '{"schemaVersion":3}');
    await expect(store.readBlob(digest)).rejects.toMatchObject({ code: 'TBUILD_STORE_CORRUPT' });
    expect(await store.hasBlob(digest)).toBe(false);
    await store.putBlob(content);
    expect(await store.readBlob(digest)).toEqual(content);
  });

  test('one that another process wrote and no sync followed is verified before it counts', async () => {
    await store.putBlob(content);
    writeFileSync(store.blobPath(digest), '');
    const other = await temp.open();
    expect(await other.hasBlob(digest)).toBe(false);
    await store.putBlob(content);
    expect(await other.hasBlob(digest)).toBe(true);
  });

  test('those of a named image are marked as synced and not read again', async () => {
    const image = imageRecord([], { id: digest });
    await store.putBlob(content);
    await store.putImage(image);
    await store.tag(digest, ['app']);
    expect(statSync(store.blobPath(digest)).mode & 0o777).toBe(0o400);
    utimesSync(store.blobPath(digest), 1, 1);
    expect(await (await temp.open()).hasBlob(digest)).toBe(true);
    expect(statSync(store.blobPath(digest)).atimeMs).toBe(1000);
  });

  test('putting one again changes nothing', async () => {
    await store.putBlob(content);
    await (await temp.open()).putBlob(content);
    expect(readdirSync(join(temp.root, 'blobs/sha256'))).toHaveLength(1);
    expect(await store.readBlob(digest)).toEqual(content);
  });
});

describe('blobWriter', () => {
  test('stores what was written under its digest', async () => {
    await using writer = await store.blobWriter();
    for (const byte of content) await writer.write(Buffer.of(byte));
    expect(await writer.commit({ digest, size: content.length })).toEqual({ digest, size: content.length });
    expect(await store.readBlob(digest)).toEqual(content);
  });

  test.each([
    ['another digest', { digest: digestOf('other') }],
    ['another size', { digest, size: 5 }],
  ])('does not store what has %s', async (_name, expected) => {
    await using writer = await store.blobWriter();
    await writer.write(content);
    await expect(writer.commit(expected)).rejects.toMatchObject({
      code: 'TBUILD_DIGEST_MISMATCH',
      details: { actual: digest },
    });
    expect(await store.hasBlob(digest)).toBe(false);
  });

  test('leaves nothing behind when it is given up, and nothing open', async () => {
    const writer = await store.blobWriter();
    await writer.write(content);
    expect(openFilesBelow(temp.root).filter((path) => path.includes('/blob-'))).toHaveLength(1);
    await writer[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
    expect(openFilesBelow(temp.root)).toEqual([]);
    expect(readdirSync(join(temp.root, 'tmp'))).toEqual([]);
    expect(readdirSync(join(temp.root, 'blobs/sha256'))).toEqual([]);
    await expect(writer.write(content)).rejects.toThrow(TypeError);
  });

  test('stores an empty blob', async () => {
    await using writer = await store.blobWriter();
    expect(await writer.commit()).toEqual({ digest: digestOf(''), size: 0 });
    expect(await store.readBlob(digestOf(''))).toEqual(Buffer.alloc(0));
  });
});
