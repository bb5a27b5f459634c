import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import type { BlobWriter, Store } from '../../../src/store/types.ts';
import { openFilesBelow } from '../../helpers/leaks.ts';
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

const mebibyte = 1024 * 1024;
const content = Buffer.alloc(3 * mebibyte, 'content');
const blob = { digest: digestOf(content), size: content.length };
const partials = (): string => join(temp.root, 'blobs/partial');

async function begin(bytes: Buffer, from: Store = store): Promise<void> {
  await using writer = await from.blobWriter({ kind: 'resume', ...blob });
  await writer.write(bytes);
}

async function keptOf(writer: BlobWriter): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of writer.kept()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe('a transfer that was cut', () => {
  test('is continued by another handle, and is the blob in the end', async () => {
    await begin(content.subarray(0, 2 * mebibyte));
    const other = await temp.open();
    await using writer = await other.blobWriter({ kind: 'resume', ...blob });
    expect(writer.keptSize).toBe(2 * mebibyte);
    expect(digestOf(await keptOf(writer))).toBe(digestOf(content.subarray(0, 2 * mebibyte)));
    await writer.write(content.subarray(2 * mebibyte));
    expect(await writer.commit(blob)).toEqual(blob);
    expect(digestOf(readFileSync(store.blobPath(blob.digest)))).toBe(blob.digest);
    expect(readdirSync(partials())).toEqual([]);
  });

  test('may have brought everything but the commit', async () => {
    await begin(content);
    await using writer = await store.blobWriter({ kind: 'resume', ...blob });
    expect(writer.keptSize).toBe(content.length);
    await keptOf(writer);
    await writer.commit(blob);
    expect(await store.hasBlob(blob.digest)).toBe(true);
  });

  test('is not kept when it brought little, or other bytes', async () => {
    await begin(content.subarray(0, mebibyte - 1));
    expect(readdirSync(partials())).toEqual([]);
    {
      await using writer = await store.blobWriter({ kind: 'resume', ...blob });
      await writer.write(Buffer.alloc(content.length));
      await expect(writer.commit(blob)).rejects.toMatchObject({ code: 'TBUILD_DIGEST_MISMATCH' });
    }
    expect(readdirSync(partials())).toEqual([]);
    {
      await using writer = await store.blobWriter({ kind: 'resume', ...blob });
      await writer.write(content.subarray(0, 2 * mebibyte));
      writer.discard();
    }
    expect(readdirSync(partials())).toEqual([]);
  });

  test('that left more than the blob has begins anew', async () => {
    mkdirSync(partials(), { recursive: true });
    writeFileSync(join(partials(), blob.digest.slice(7)), Buffer.alloc(content.length + 1));
    await using writer = await store.blobWriter({ kind: 'resume', ...blob });
    expect(writer.keptSize).toBe(0);
  });

  test('cannot be continued before what is there was read', async () => {
    await begin(content.subarray(0, 2 * mebibyte));
    await using writer = await store.blobWriter({ kind: 'resume', ...blob });
    await expect(writer.write(Buffer.alloc(1))).rejects.toThrow(TypeError);
    await expect(writer.commit()).rejects.toThrow(TypeError);
  });

  test('is written by one at a time: the other one begins its own', async () => {
    await using first = await store.blobWriter({ kind: 'resume', ...blob });
    await first.write(content.subarray(0, 2 * mebibyte));
    const other = await temp.open();
    await using second = await other.blobWriter({ kind: 'resume', ...blob });
    expect(second.keptSize).toBe(0);
    await second.write(content);
    await second.commit(blob);
    await first.write(content.subarray(2 * mebibyte));
    await first.commit(blob);
    expect(digestOf(readFileSync(store.blobPath(blob.digest)))).toBe(blob.digest);
  });

  test('leaves no descriptor open', async () => {
    await begin(content.subarray(0, 2 * mebibyte));
    {
      await using writer = await store.blobWriter({ kind: 'resume', ...blob });
      await keptOf(writer);
    }
    expect(openFilesBelow(partials())).toEqual([]);
  });

  test('works in a store that was made before there were any', async () => {
    rmSync(partials(), { recursive: true });
    await store.prune();
    await begin(content);
    expect(readdirSync(partials())).toHaveLength(1);
  });
});

describe('beginnings of blobs', () => {
  test('go with prune unless somebody is writing them', async () => {
    await begin(content.subarray(0, 2 * mebibyte));
    expect((await store.prune({ dryRun: true })).blobs).toEqual([{ digest: blob.digest, size: 2 * mebibyte }]);
    {
      await using writer = await store.blobWriter({ kind: 'resume', ...blob });
      const other = await temp.open();
      expect((await other.prune()).blobs).toEqual([]);
      await keptOf(writer);
      await writer.write(content.subarray(2 * mebibyte));
      expect((await other.prune()).blobs).toEqual([]);
    }
    expect(await store.prune()).toMatchObject({ reclaimed: content.length });
    expect(readdirSync(partials())).toEqual([]);
  });

  test('are the newest sixteen, of a week', async () => {
    mkdirSync(partials(), { recursive: true });
    const names = Array.from({ length: 20 }, (_, index) => digestOf(String(index)).slice(7));
    const now = Date.now() / 1000;
    for (const [index, name] of names.entries()) {
      writeFileSync(join(partials(), name), 'x');
      utimesSync(join(partials(), name), now, now - index * 60);
    }
    utimesSync(join(partials(), names[3] ?? ''), now, now - 8 * 24 * 60 * 60);
    await begin(content);
    expect(existsSync(join(partials(), names[3] ?? ''))).toBe(false);
    expect(readdirSync(partials())).toHaveLength(16);
    expect(existsSync(join(partials(), names[0] ?? ''))).toBe(true);
    expect(existsSync(join(partials(), names[19] ?? ''))).toBe(false);
  });
});

describe('a file that is a whole blob', () => {
  test('becomes it without a copy, and stays', async () => {
    await using job = await store.createJob();
    const path = join(job.path, 'member');
    writeFileSync(path, content);
    {
      await using writer = await store.blobWriter({ kind: 'file', path, size: content.length });
      expect(digestOf(await keptOf(writer))).toBe(blob.digest);
      await writer.commit(blob);
    }
    expect(digestOf(readFileSync(path))).toBe(blob.digest);
    rmSync(path);
    expect(await store.hasBlob(blob.digest)).toBe(true);
    expect(digestOf(readFileSync(store.blobPath(blob.digest)))).toBe(blob.digest);
  });

  test('is left alone when it is not what it should be', async () => {
    await using job = await store.createJob();
    const path = join(job.path, 'member');
    writeFileSync(path, 'other');
    {
      await using writer = await store.blobWriter({ kind: 'file', path, size: 5 });
      await keptOf(writer);
      await expect(writer.commit(blob)).rejects.toMatchObject({ code: 'TBUILD_DIGEST_MISMATCH' });
    }
    expect(readFileSync(path, 'utf8')).toBe('other');
  });
});
