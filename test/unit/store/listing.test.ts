import { readFileSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadChecksum } from '../../../src/util/checksum.ts';
import type { Checksum } from '../../../src/util/checksum.ts';
import { listingOf } from '../../../src/store/listing.ts';
import { sealListing, unsealListing } from '../../../src/store/listing-file.ts';
import type { Listing, ListingEntry } from '../../../src/store/types.ts';
import { encodePathBytes } from '../../../src/util/path-bytes.ts';
import { commitLayer, committedDiff, listingEntries, listingText, tempStore } from '../../helpers/temp-store.ts';
import type { LayerSpec, TempStore } from '../../helpers/temp-store.ts';

let temp: TempStore;
let checksum: Checksum;
beforeAll(async () => {
  temp = tempStore();
  checksum = await loadChecksum();
});
afterAll(async () => {
  await temp[Symbol.asyncDispose]();
});

const everyKind: LayerSpec = {
  '': { type: 'directory', mode: 0o711, uid: 5, gid: 6, mtime: -1 },
  dir: { type: 'directory', mode: 0o1777, opaque: true },
  'dir/file': {
    content: 'text',
    mode: 0o4755,
    uid: 1000,
    gid: 4_000_000_000,
    xattrs: { 'user.b': '00ff', 'user.a': '' },
  },
  'dir/same': { content: 'text', hard: 'dir/file' },
  'dir/link': { type: 'symlink', mode: 0o777, link: '../a b=c%' },
  gone: { type: 'whiteout' },
  null: { type: 'character', mode: 0o666, device: { major: 1, minor: 3 } },
  disk: { type: 'block', mode: 0o660, device: { major: 8, minor: 0 } },
  pipe: { type: 'fifo' },
  passed: { type: 'directory', parent: true },
  'passed/new': { type: 'directory' },
  'odd name\n\u{1f600}\udcff%41': 'x',
};

async function stored(spec: LayerSpec): Promise<Listing> {
  const store = await temp.open();
  const { layer } = await commitLayer(store, spec);
  return store.listing(layer);
}

describe('a listing', () => {
  test('gives back every kind of entry as it was written', async () => {
    const listing = await stored(everyKind);
    expect([...listing.entries()]).toEqual(listingEntries(everyKind));
    for (const entry of listingEntries(everyKind)) expect(listing.find(entry.path)).toEqual(entry);
  });

  test('does not know what is not in it', async () => {
    const listing = await stored(everyKind);
    for (const path of ['di', 'dir/', 'dir/fil', 'dir/filf', 'zzz', '.', 'gone/below'])
      expect(listing.find(path)).toBeUndefined();
  });

  test('children are what is directly inside, whiteouts too, without what is deeper', async () => {
    const listing = await stored({
      a: { type: 'directory' },
      'a/b': { type: 'directory' },
      'a/b-x': 'between b and what is in b',
      'a/b/c': { type: 'directory' },
      'a/b/c/d': 'deep',
      'a/b0': 'right behind what is in b',
      'a/c': { type: 'whiteout' },
      'a-z': 'beside',
    });
    const names = (path: string): string[] => listing.children(path).map((entry) => entry.path);
    expect(names('')).toEqual(['a', 'a-z']);
    expect(names('a')).toEqual(['a/b', 'a/b-x', 'a/b0', 'a/c']);
    expect(names('a/b')).toEqual(['a/b/c']);
    expect(names('a/b-x')).toEqual([]);
    expect(names('nothing')).toEqual([]);
  });

  test('touches says whether anything is at or below a path', async () => {
    const listing = await stored({ 'a/b/c': 'x', d: 'y' });
    expect(['a', 'a/b', 'a/b/c', 'd'].map((path) => listing.touches(path))).toEqual([true, true, true, true]);
    expect(['a/b/c/d', 'a/', 'b', 'a/bb', 'c'].map((path) => listing.touches(path))).toEqual([
      false,
      false,
      false,
      false,
      false,
    ]);
    expect((await stored({})).touches('')).toBe(false);
  });

  test('finds exactly its paths whatever bytes they have, for any set of names', async () => {
    const name = fc
      .uint8Array({ minLength: 1, maxLength: 4 })
      .map((bytes) => Buffer.from(bytes).toString('latin1').replaceAll(/[\0/]/g, '_'));
    const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
    fc.assert(
      fc.property(fc.uniqueArray(path, { maxLength: 20 }), path, (paths, other) => {
        const entries = listingEntries(
          Object.fromEntries(paths.filter((each) => each !== '.').map((each) => [each, each])),
        );
        const listing = inMemory(entries);
        expect([...listing.entries()].map((entry) => entry.path)).toEqual(entries.map((entry) => entry.path));
        for (const entry of entries) expect(listing.find(entry.path)).toEqual(entry);
        expect(listing.find(other)?.path).toBe(paths.includes(other) && other !== '.' ? other : undefined);
      }),
    );
  });
});

function inMemory(entries: readonly ListingEntry[]): Listing {
  const opened = unsealListing(Buffer.concat(sealListing(listingText(entries), entries.length, checksum)), checksum);
  if (opened === undefined) throw new Error('a fresh listing does not open');
  return listingOf('0'.repeat(64), () => opened);
}

describe('a listing file', () => {
  const file = (): Buffer => {
    const diff = committedDiff({ a: { type: 'directory' }, 'a/b': 'text', c: { type: 'whiteout' } });
    return Buffer.concat(sealListing(diff.listing, diff.entries, checksum));
  };

  test('is refused when any one byte of it is altered', () => {
    const whole = file();
    expect(unsealListing(whole, checksum)).toBeDefined();
    for (let offset = 0; offset < whole.length; offset += 1) {
      const altered = Buffer.from(whole);
      altered[offset] = (altered[offset] ?? 0) ^ 0x20;
      expect([offset, unsealListing(altered, checksum)]).toEqual([offset, undefined]);
    }
  });

  test('is refused when cut anywhere or followed by anything', () => {
    const whole = file();
    for (let length = 0; length < whole.length; length += 1)
      expect(unsealListing(whole.subarray(0, length), checksum)).toBeUndefined();
    expect(unsealListing(Buffer.concat([whole, Buffer.of(0)]), checksum)).toBeUndefined();
  });

  test('has the offset of each line and the footer that docs/store-listing.md describes', () => {
    const text = Buffer.from('a d 755 0 0 1\na/b w\n');
    const whole = Buffer.concat(sealListing(text, 2, checksum));
    expect(whole.subarray(0, text.length)).toEqual(text);
    expect([whole.readBigUInt64LE(text.length), whole.readBigUInt64LE(text.length + 8)]).toEqual([0n, 14n]);
    const footer = whole.subarray(-32);
    expect([footer.readBigUInt64LE(0), footer.readBigUInt64LE(8)]).toEqual([BigInt(text.length), 2n]);
    expect(footer.readBigUInt64LE(16)).toBe(checksum([whole.subarray(0, -16)]));
    expect(footer.toString('latin1', 24)).toBe('tbuildL1');
  });

  test.each([
    ['more lines than announced', 'a w\nb w\n', 1],
    ['fewer lines than announced', 'a w\n', 2],
    ['a last line without its end', 'a w\nb w', 2],
  ])('is not written with %s', (_name, text, entries) => {
    expect(() => sealListing(Buffer.from(text), entries, checksum)).toThrow(
      expect.objectContaining({ code: 'TBUILD_HELPER' }),
    );
  });

  test('that was altered on disk is TBUILD_STORE_CORRUPT, never another answer', async () => {
    const store = await temp.open();
    const { layer } = await commitLayer(store, { victim: 'content' });
    const path = `${temp.root}/layers/${layer}/listing`;
    const altered = Buffer.from(readFileSync(path));
    altered[0] = 'V'.charCodeAt(0);
    writeFileSync(path, altered);
    expect(() => store.listing(layer)).toThrow(
      expect.objectContaining({ code: 'TBUILD_STORE_CORRUPT', details: { path } }),
    );
  });

  test('that is missing is TBUILD_STORE_CORRUPT', async () => {
    const store = await temp.open();
    expect(() => store.listing('ab'.repeat(32))).toThrow(expect.objectContaining({ code: 'TBUILD_STORE_CORRUPT' }));
  });
});

test('paths are sorted by raw bytes, not by their escaped form', () => {
  const paths = listingEntries({ 'a b': 'x', 'a!b': 'x', 'a\udcff': 'x', a: 'x' }).map(({ path }) => path);
  expect(paths).toEqual(['a', 'a b', 'a!b', 'a\udcff']);
  expect(paths.map((path) => encodePathBytes(path).at(-1))).toEqual([0x61, 0x62, 0x62, 0xff]);
});
