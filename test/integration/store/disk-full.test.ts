import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, rmdirSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import { openStore } from '../../../src/store/open.ts';
import type { Store } from '../../../src/store/types.ts';
import { lacks } from '../../helpers/capabilities.ts';
import { commitLayer, committedDiff, imageRecord, writeDiff } from '../../helpers/temp-store.ts';

describe.skipIf(lacks('root'))('a store on a full disk', () => {
  let disk: string;
  let store: Store;
  beforeEach(async () => {
    disk = mkdtempSync(join(tmpdir(), 'tbuild-full-disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk]);
    store = await openStore({ root: join(disk, 'store') });
  });
  afterEach(async () => {
    await store[Symbol.asyncDispose]();
    // Fails when a file of the store is still open.
    execFileSync('umount', [disk]);
    rmdirSync(disk);
  });

  const filler = (): string => join(disk, 'filler');
  function fill(): void {
    const { bavail, bsize } = statfsSync(disk);
    writeFileSync(filler(), Buffer.alloc(bavail * bsize));
  }
  const full = { code: 'TBUILD_IO', details: { errno: 'ENOSPC' }, hint: expect.stringContaining('tbuild prune') };
  const key = 'ab'.repeat(32);

  test('says so for every kind of write, and keeps what it has', async () => {
    const layer = await commitLayer(store, { a: 'kept' });
    const image = imageRecord([layer]);
    await store.putImage(image);
    await store.tag(image.id, ['app']);
    await store.addRecord(key, { layer: layer.layer }, () => false);
    const job = await store.createJob();
    writeDiff(job.diff, { b: 'new' });
    const before = snapshot(disk);
    fill();

    const large = Array.from({ length: 4000 }, (_, index) => [`file-${index}`, 'x'] as const);
    await expect(job.commitLayer(committedDiff(Object.fromEntries(large)))).rejects.toMatchObject(full);
    await expect(store.addRecord(key, { layer: null, text: 'x'.repeat(9000) }, () => false)).rejects.toMatchObject(
      full,
    );
    await expect(store.putBlob(Buffer.alloc(9000))).rejects.toMatchObject(full);
    await expect(store.writeValue('builds', 'last', 'x'.repeat(9000))).rejects.toMatchObject(full);
    await expect(store.writeBytes('contexts', 'app', Buffer.alloc(9000))).rejects.toMatchObject(full);
    await expect(
      store.putImage({ ...image, id: digestOf('other'), repoDigests: ['x'.repeat(9000)] }),
    ).rejects.toMatchObject(full);
    await expect(store.tag(image.id, ['other'])).rejects.toMatchObject(full);
    const writer = await store.blobWriter();
    await expect(writer.write(Buffer.alloc(9000))).rejects.toMatchObject(full);
    await writer[Symbol.asyncDispose]();
    await job[Symbol.asyncDispose]();

    expect(snapshot(disk)).toEqual(before);
    expect(await store.readRecords(key)).toEqual([{ layer: layer.layer }]);
    expect((await store.findImage('app'))?.image).toEqual(image);
    expect(await store.findImage('other')).toBeUndefined();
  });

  test('takes no lease that could not be written, and takes it when there is room', async () => {
    const { layer } = await commitLayer(store, { a: 'x' });
    const other = await openStore({ root: store.root });
    fill();
    await expect(other.lease([layer])).rejects.toMatchObject(full);
    rmSync(filler());
    expect(await other.lease([layer])).toEqual([true]);
    expect((await store.prune()).layers).toEqual([]);
    await other[Symbol.asyncDispose]();
  });

  test('can be pruned, which makes room', async () => {
    const maker = await openStore({ root: store.root });
    await commitLayer(maker, { a: 'x'.repeat(100_000) });
    await maker.putBlob(Buffer.alloc(200_000));
    await maker[Symbol.asyncDispose]();
    fill();
    await expect(store.putBlob(Buffer.alloc(150_000))).rejects.toMatchObject(full);
    const { reclaimed } = await store.prune();
    expect(reclaimed).toBeGreaterThanOrEqual(300_000);
    expect(reclaimed).toBeLessThan(350_000);
    await expect(store.putBlob(Buffer.alloc(150_000))).resolves.toMatch(/^sha256:/);
  });
});

/** What is visible in the store. */
function snapshot(disk: string): unknown {
  return ['layers', 'blobs/sha256', 'images/names', 'images/sha256', 'builds', 'contexts'].map((path) =>
    readdirSync(join(disk, 'store', path)),
  );
}
