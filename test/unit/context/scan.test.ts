import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openScan, scanContext } from '../../../src/context/scan.ts';
import type { NativeAddon } from '../../../src/native/addon.ts';
import { encodeRecords, encodeTree } from './scan-records.ts';

/** Paths of a tree, parents included. */
const tree = fc
  .uniqueArray(
    fc
      .array(fc.constantFrom('a', 'b', 'a.b', 'a-', 'A', 'é', '!'), { minLength: 1, maxLength: 4 })
      .map((parts) => parts.join('/')),
    { maxLength: 20 },
  )
  .map((paths) => {
    const parents = paths.flatMap((path) => [...path.matchAll(/\//g)].map(({ index }) => path.slice(0, index)));
    return { all: [...new Set([...paths, ...parents])], directories: parents };
  });

test('find gives every listed path and no other', () => {
  fc.assert(
    fc.property(tree, ({ all, directories }) => {
      const scan = openScan(encodeTree(all, directories));
      expect(scan.length).toBe(all.length);
      for (const path of all) expect(scan.path(scan.find(path))).toBe(path);
      for (const path of ['', 'zz', 'a/zz', 'a.', 'a/']) expect(scan.find(path)).toBe(-1);
    }),
  );
});

test('subtreeEnd bounds exactly what is below a path', () => {
  fc.assert(
    fc.property(tree, ({ all, directories }) => {
      const scan = openScan(encodeTree(all, directories));
      for (let record = 0; record < scan.length; record++) {
        const below = all.filter((path) => path.startsWith(`${scan.path(record)}/`));
        expect(scan.subtreeEnd(record) - record - 1).toBe(below.length);
      }
    }),
  );
});

test('stamps and sizes come back whole', () => {
  const scan = openScan(
    encodeRecords([
      { path: 'f', size: 5_000_000_000, mtimeNs: -1n, ctimeNs: 1_795_317_215_123_456_789n, nlink: 3, ino: 7 },
    ]),
  );
  expect(scan.size(0)).toBe(5_000_000_000n);
  expect(scan.mtimeNs(0)).toBe(-1n);
  expect(scan.ctimeNs(0)).toBe(1_795_317_215_123_456_789n);
  expect(scan.links(0)).toBe(3);
});

test.each([
  ['ENOENT', '/context', 'there is no directory'],
  ['ENOTDIR', '/context', 'is not a directory'],
  ['ENOENT', '/context/dir', 'changed while it was read'],
  ['ENOTDIR', '/context/dir', 'changed while it was read'],
  ['EACCES', '/context/dir', 'no permission'],
  ['EIO', '/context/dir', 'cannot list'],
])('a scan that fails with %s at %s says so as TBUILD_CONTEXT', async (code, path, message) => {
  const failure = Object.assign(new Error('scan failed'), { code, path });
  const addon = { scanTree: () => Promise.reject(failure) } as unknown as NativeAddon;
  await expect(scanContext(addon, '/context', [])).rejects.toMatchObject({
    code: 'TBUILD_CONTEXT',
    message: expect.stringContaining(message) as string,
    cause: failure,
  });
});
