import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openScan } from '../../../src/context/scan.ts';
import type { StatIndex } from '../../../src/context/stat-index.ts';
import {
  carryOver,
  decodeIndex,
  emptyKnowledge,
  encodeIndex,
  fresh,
  trusted,
  unknown,
} from '../../../src/context/stat-index.ts';
import type { FakeRecord } from './scan-records.ts';
import { encodeRecords } from './scan-records.ts';

/** An index in which every file's digest is made of its inode number, so that a digest at the wrong file shows. */
function indexOf(records: readonly FakeRecord[], state = trusted): StatIndex {
  const knowledge = emptyKnowledge(records.length);
  for (const [record, { ino = 0 }] of records.entries()) {
    knowledge.state[record] = state;
    knowledge.digests.fill(ino, record * 32, record * 32 + 32);
    if (ino % 3 === 0) knowledge.extras.set(record, `user.ino=${ino}\0`);
  }
  const memos = new Map([['["."]', { digest: 'ab', files: 3, bytes: 4, matches: 1 }]]);
  return { scan: encodeRecords(records), knowledge, rulesKey: 'rules', memos };
}

const records = fc
  .uniqueArray(
    fc.record({
      path: fc.constantFrom('a', 'a/b', 'a/c', 'a.b', 'b', 'c', 'd', 'd/x', 'e', 'é'),
      ino: fc.integer({ min: 1, max: 4 }),
      ctimeNs: fc.bigInt({ min: 0n, max: 1n }),
    }),
    { selector: ({ path }) => path },
  )
  .map((list) => {
    const key = (path: string): Buffer => Buffer.from(path.replaceAll('/', '\0'));
    return list.sort((left, right) => key(left.path).compare(key(right.path)));
  });

test('an index comes back as it was written', () => {
  const index = indexOf([
    { path: 'a', ino: 3 },
    { path: 'b', ino: 4 },
  ]);
  const decoded = decodeIndex(encodeIndex(index));
  expect(decoded?.scan).toEqual(index.scan);
  expect([...(decoded?.knowledge.state ?? [])]).toEqual([trusted, trusted]);
  expect(decoded?.knowledge.digests).toEqual(index.knowledge.digests);
  expect(decoded?.knowledge.extras).toEqual(index.knowledge.extras);
  expect(decoded?.rulesKey).toBe('rules');
  expect(decoded?.memos).toEqual(index.memos);
});

test('what is fresh is not written', () => {
  const decoded = decodeIndex(encodeIndex(indexOf([{ path: 'a', ino: 3 }], fresh)));
  expect([...(decoded?.knowledge.state ?? [])]).toEqual([unknown]);
  expect(decoded?.knowledge.digests.every((byte) => byte === 0)).toBe(true);
  expect(decoded?.knowledge.extras.size).toBe(0);
});

test('a file that is cut short, longer or of another format is no index', () => {
  const bytes = encodeIndex(indexOf([{ path: 'a', ino: 3 }]));
  expect(decodeIndex(Buffer.alloc(0))).toBeUndefined();
  expect(decodeIndex(bytes.subarray(0, -1))).toBeUndefined();
  expect(decodeIndex(Buffer.concat([bytes, Buffer.alloc(1)]))).toBeUndefined();
  expect(decodeIndex(Buffer.concat([Buffer.from('tbuildC0'), bytes.subarray(8)]))).toBeUndefined();
});

test('exactly the records that are the same to the last byte keep what was known', () => {
  fc.assert(
    fc.property(records, records, (before, after) => {
      const scan = openScan(encodeRecords(after));
      const knowledge = carryOver(indexOf(before), scan);
      for (const [record, { path, ino, ctimeNs }] of after.entries()) {
        const same = before.some((old) => old.path === path && old.ino === ino && old.ctimeNs === ctimeNs);
        expect(knowledge.state[record]).toBe(same ? trusted : unknown);
        expect(knowledge.digests[record * 32]).toBe(same ? ino : 0);
        expect(knowledge.extras.get(record)).toBe(same && ino % 3 === 0 ? `user.ino=${ino}\0` : undefined);
      }
    }),
  );
});
