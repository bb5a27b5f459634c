import { appendFileSync, lstatSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { openContext } from '../../../src/context/open-context.ts';
import type { BuildContext } from '../../../src/context/open-context.ts';
import type { IndexFile } from '../../../src/context/stat-index.ts';
import type { NativeAddon } from '../../../src/native/addon.ts';
import { loadAddon } from '../../../src/native/load.ts';
import { makeTree } from './make-tree.ts';

const addon = loadAddon();
/** Twice the time after which stamps with fractions prove something. */
const settling = 50;

interface Machine {
  readonly open: (root: string, dockerfilePath?: string) => Promise<BuildContext>;
  /** Paths hashed since it was last asked. */
  readonly hashed: () => string[];
  readonly files: Map<string, Buffer>;
  readonly writes: () => number;
}

/** Builds that share an index, watched. */
function machine(overrides: Partial<NativeAddon> = {}): Machine {
  const files = new Map<string, Buffer>();
  let hashed: string[] = [];
  let writes = 0;
  const index: IndexFile = {
    read: (name) => Promise.resolve(files.get(name)),
    write: (name, bytes) => {
      writes++;
      files.set(name, bytes);
      return Promise.resolve();
    },
  };
  const watched: NativeAddon = {
    ...addon,
    hashFiles: (root, paths) => {
      hashed.push(...paths);
      return addon.hashFiles(root, paths);
    },
    ...overrides,
  };
  return {
    open: (root, dockerfilePath) => openContext({ root, dockerfilePath, index, addon: watched }),
    hashed: () => {
      const paths = hashed;
      hashed = [];
      return paths;
    },
    files,
    writes: () => writes,
  };
}

async function build({ open }: Machine, root: string, sources: readonly string[] = ['.']): Promise<string> {
  const context = await open(root);
  const { digest } = await context.digest(sources);
  await context.save();
  return digest;
}

afterEach(() => {
  vi.restoreAllMocks();
});

test('a build that changes nothing reads no file and writes no index', async () => {
  const root = makeTree(['a', 'd/b', 'd/l -> b']);
  await delay(settling);
  const builds = machine();
  const first = await build(builds, root);
  expect(builds.hashed().sort()).toEqual(['a', 'd/b']);
  expect(await build(builds, root)).toBe(first);
  expect(builds.hashed()).toEqual([]);
  expect(builds.writes()).toBe(1);
});

test('only the file that changed is read again', async () => {
  const root = makeTree(['a', 'd/b', 'd/c', 'e']);
  await delay(settling);
  const builds = machine();
  const first = await build(builds, root);
  builds.hashed();
  appendFileSync(join(root, 'd/c'), 'more');
  await delay(settling);
  expect(await build(builds, root)).not.toBe(first);
  expect(builds.hashed()).toEqual(['d/c']);
});

test('a content swapped in under the same size and modification time is noticed', async () => {
  const root = makeTree(['a', 'd/b']);
  const { atime, mtime } = lstatSync(join(root, 'a'));
  await delay(settling);
  const builds = machine();
  const first = await build(builds, root);
  writeFileSync(join(root, 'a'), 'A');
  utimesSync(join(root, 'a'), atime, mtime);
  expect(await build(builds, root)).not.toBe(first);
  writeFileSync(join(root, 'new'), 'a');
  utimesSync(join(root, 'new'), atime, mtime);
  renameSync(join(root, 'new'), join(root, 'a'));
  expect(await build(builds, root)).toBe(first);
});

test('what is removed, added or renamed changes the digest without anything else being read', async () => {
  const root = makeTree(['a', 'd/b', 'd/c']);
  await delay(settling);
  const builds = machine();
  const digests = [await build(builds, root)];
  rmSync(join(root, 'd/b'));
  digests.push(await build(builds, root));
  builds.hashed();
  renameSync(join(root, 'd/c'), join(root, 'd/z'));
  digests.push(await build(builds, root));
  expect(builds.hashed()).toEqual(['d/z']);
  expect(new Set(digests).size).toBe(3);
});

describe('a file that changed just before it was read', () => {
  function pretendReadAt(root: string, millisecondsAfterChange: number): void {
    const changed = lstatSync(join(root, 'young'), { bigint: true }).ctimeNs / 1_000_000n;
    vi.spyOn(Date, 'now').mockReturnValue(Number(changed) + millisecondsAfterChange);
  }

  test('is checked when it is copied, and read again by the next build', async () => {
    const root = makeTree(['young']);
    const builds = machine();
    pretendReadAt(root, 5);
    const context = await builds.open(root);
    const selection = await context.select(['young']);
    expect(selection.items[0]?.entries[0]).toMatchObject({ verify: true });
    await context.digest(['young']);
    await context.save();
    expect(builds.writes()).toBe(0);
    expect(builds.hashed()).toEqual(['young']);
    pretendReadAt(root, 500);
    const later = await builds.open(root);
    expect((await later.select(['young'])).items[0]?.entries[0]).toMatchObject({ verify: false });
    expect(builds.hashed()).toEqual(['young']);
  });

  test('needs 2 s to settle where the file system keeps whole seconds', async () => {
    const root = makeTree(['young']);
    const wholeSeconds: NativeAddon['scanTree'] = async (...parameters) => {
      const buffer = await addon.scanTree(...parameters);
      buffer.writeBigInt64LE((buffer.readBigInt64LE(48) / 1_000_000_000n) * 1_000_000_000n, 48);
      return buffer;
    };
    const builds = machine({ scanTree: wholeSeconds });
    const verify: unknown[] = [];
    for (const after of [900, 3000]) {
      pretendReadAt(root, after);
      const context = await builds.open(root);
      const entry = (await context.select(['young'])).items[0]?.entries[0];
      verify.push(entry?.type === 'file' && entry.verify);
    }
    expect(verify).toEqual([true, false]);
  });

  test('makes no memo, for the same stamps could hide another change', async () => {
    const root = makeTree(['young', 'l -> young']);
    const builds = machine();
    await delay(settling);
    await build(builds, root, ['l']);
    rmSync(join(root, 'young'));
    writeFileSync(join(root, 'young'), 'one');
    pretendReadAt(root, 5);
    const digest = await build(builds, root, ['l']);
    builds.hashed();
    vi.restoreAllMocks();
    await delay(settling);
    expect(await build(builds, root, ['l'])).toBe(digest);
    expect(builds.hashed()).toEqual(['young']);
  });
});

test('steps that ask at the same time have each file read once', async () => {
  const root = makeTree(['a', 'd/b', 'd/c']);
  const builds = machine();
  const context = await builds.open(root);
  await Promise.all([context.select(['.']), context.select(['d']), context.digest(['d/b']), context.select(['.'])]);
  expect(builds.hashed().sort()).toEqual(['a', 'd/b', 'd/c']);
});

test('a file is read only when a step asks for it', async () => {
  const root = makeTree(['a', 'big/one', 'big/two']);
  const builds = machine();
  await build(builds, root, ['a']);
  expect(builds.hashed()).toEqual(['a']);
});

test('other ignore rules make other digests even when the list of files is the same', async () => {
  const root = makeTree(['a', 'b']);
  // The scanner does not know this form, so it lists the same files.
  writeFileSync(join(root, '.dockerignore'), '[[:digit:]]');
  await delay(settling);
  const builds = machine();
  const before = await build(builds, root, ['[a-z]']);
  writeFileSync(join(root, '.dockerignore'), '[[:alpha:]]');
  expect(await build(builds, root, ['[a-z]'])).not.toBe(before);
});

test('a change to what is ignored changes nothing', async () => {
  const root = makeTree(['a', 'log/x']);
  writeFileSync(join(root, '.dockerignore'), 'log\n.dockerignore');
  await delay(settling);
  const builds = machine();
  const first = await build(builds, root);
  appendFileSync(join(root, 'log/x'), 'more');
  expect(await build(builds, root)).toBe(first);
  expect(builds.writes()).toBe(1);
});

test('Dockerfiles with ignore files of their own do not disturb each other', async () => {
  const root = makeTree(['a', 'b']);
  writeFileSync(join(root, 'one.dockerignore'), 'a');
  await delay(settling);
  const builds = machine();
  for (const dockerfile of ['one', 'two', 'one', 'two']) {
    const context = await builds.open(root, join(root, dockerfile));
    await context.digest(['.']);
    await context.save();
  }
  expect(builds.files.size).toBe(2);
  expect(builds.writes()).toBe(2);
});

test('a damaged index is as good as none', async () => {
  const root = makeTree(['a']);
  await delay(settling);
  const builds = machine();
  const digest = await build(builds, root);
  for (const [name, bytes] of builds.files) builds.files.set(name, bytes.subarray(0, -3));
  expect(await build(builds, root)).toBe(digest);
});

test('a file that changes while the build runs is never remembered under the stamps of the other content', async () => {
  const root = makeTree(['a']);
  await delay(settling);
  const builds = machine();
  const context = await builds.open(root);
  writeFileSync(join(root, 'a'), 'changed after the list was made');
  const entry = (await context.select(['a'])).items[0]?.entries[0];
  await context.save();
  if (entry?.type !== 'file') throw new Error('no file');
  const now = lstatSync(join(root, 'a'), { bigint: true });
  expect(entry.expect.ctimeNs).not.toBe(now.ctimeNs);
  writeFileSync(join(root, 'a'), 'a');
  await delay(settling);
  const fresh = machine();
  expect(await build(builds, root, ['a'])).toBe(await build(fresh, root, ['a']));
  expect(readFileSync(join(root, 'a'), 'utf8')).toBe('a');
});
