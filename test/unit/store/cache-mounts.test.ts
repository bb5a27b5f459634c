import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { measureOwnTrees, usedBytes } from '../../../src/store/removal.ts';
import type { CacheMountRequest, CacheMountUse, Store } from '../../../src/store/types.ts';
import { tempStore } from '../../helpers/temp-store.ts';
import type { TempStore } from '../../helpers/temp-store.ts';

const key = 'a'.repeat(64);
const stores: TempStore[] = [];
let temp: TempStore;
let made: number;
beforeEach(() => {
  temp = tempStore();
  stores.push(temp);
  made = 0;
});
afterAll(async () => {
  for (const store of stores) await store[Symbol.asyncDispose]();
});

function request(sharing: CacheMountRequest['sharing'], options: Partial<CacheMountRequest> = {}): CacheMountRequest {
  const make = async (directory: string): Promise<void> => {
    made++;
    mkdirSync(directory);
    writeFileSync(join(directory, 'first'), '');
    await Promise.resolve();
  };
  return { key, sharing, about: { id: '/cache', namespace: '', created: 1 }, make, ...options };
}

/** Whether somebody has to wait for it just now. */
async function mustWait(store: Store, sharing: CacheMountRequest['sharing']): Promise<boolean> {
  const abort = new AbortController();
  let waited = false;
  const onWait = (): void => {
    waited = true;
    abort.abort();
  };
  try {
    (await store.useCacheMount(request(sharing, { onWait, signal: abort.signal }))).release();
  } catch (error) {
    expect(error).toMatchObject({ name: 'AbortError' });
  }
  return waited;
}

async function diskUse(): Promise<number> {
  return usedBytes(await measureOwnTrees([temp.root]));
}

describe('a cache mount', () => {
  test('is made once, and keeps what is in it', async () => {
    const [one, other] = [await temp.open(), await temp.open()];
    const use = await one.useCacheMount(request('locked'));
    expect(use.directory).toBe(join(temp.root, 'mounts', key, '0/data'));
    writeFileSync(join(use.directory, 'more'), '');
    use.release();
    const again = await other.useCacheMount(request('locked'));
    expect(readdirSync(again.directory)).toEqual(['first', 'more']);
    again.release();
    expect(made).toBe(1);
  });

  test.each([
    ['shared', 'shared', false],
    ['shared', 'locked', true],
    ['locked', 'shared', true],
    ['locked', 'locked', true],
    ['private', 'shared', true],
    ['private', 'locked', true],
    ['shared', 'private', false],
    ['locked', 'private', false],
    ['private', 'private', false],
  ] as const)('used as %s makes %s wait: %s', async (first, second, waits) => {
    const [one, other] = [await temp.open(), await temp.open()];
    const use = await one.useCacheMount(request(first));
    expect(await mustWait(other, second)).toBe(waits);
    expect(await mustWait(one, second)).toBe(waits);
    use.release();
    use.release();
    expect(await mustWait(other, second)).toBe(false);
  });

  test('is waited for until it is released', async () => {
    const [one, other] = [await temp.open(), await temp.open()];
    const use = await one.useCacheMount(request('locked'));
    let second: CacheMountUse | undefined;
    const waiting = other.useCacheMount(request('locked')).then((got) => (second = got));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(second).toBeUndefined();
    use.release();
    await waiting;
    expect(second?.directory).toBe(use.directory);
    second?.release();
  });

  test('has a copy for each private user at a time, used again afterwards', async () => {
    const store = await temp.open();
    const uses = [];
    for (let count = 0; count < 3; count++) uses.push(await store.useCacheMount(request('private')));
    expect(uses.map(({ directory }) => directory.slice(-'0/data'.length))).toEqual(['0/data', '1/data', '2/data']);
    uses[1]?.release();
    const again = await store.useCacheMount(request('private'));
    expect(again.directory).toBe(uses[1]?.directory);
    expect(made).toBe(3);
    for (const use of [...uses, again]) use.release();
  });

  test('that cannot be made leaves nothing, and is free', async () => {
    const store = await temp.open();
    const failing = request('locked', {
      make: async (directory) => {
        mkdirSync(directory);
        throw new Error('no');
      },
    });
    await expect(store.useCacheMount(failing)).rejects.toThrow('no');
    expect(await mustWait(store, 'locked')).toBe(false);
    expect(made).toBe(1);
    expect(readdirSync(join(temp.root, 'tmp')).flatMap((name) => readdirSync(join(temp.root, 'tmp', name)))).toEqual(
      [],
    );
  });

  test('made by two at once is one', async () => {
    const [one, other] = [await temp.open(), await temp.open()];
    const uses = await Promise.all([one, other, one].map((store) => store.useCacheMount(request('shared'))));
    expect(new Set(uses.map(({ directory }) => directory)).size).toBe(1);
    for (const { directory } of uses) expect(readdirSync(directory)).toEqual(['first']);
    for (const use of uses) use.release();
  });

  test('is listed with what is known of it, the newest use first', async () => {
    const store = await temp.open();
    const other = 'b'.repeat(64);
    (await store.useCacheMount(request('shared'))).release();
    await new Promise((resolve) => setTimeout(resolve, 10));
    const use = await store.useCacheMount(
      request('shared', { key: other, about: { id: 'x', namespace: 'ns', created: 2 } }),
    );
    expect(await store.listCacheMounts()).toEqual([
      {
        key: other,
        id: 'x',
        namespace: 'ns',
        created: 2,
        lastUsed: expect.any(Number) as number,
        copies: [{ directory: use.directory, inUse: true }],
      },
      {
        key,
        id: '/cache',
        namespace: '',
        created: 1,
        lastUsed: expect.any(Number) as number,
        copies: [{ directory: join(temp.root, 'mounts', key, '0/data'), inUse: false }],
      },
    ]);
    use.release();
  });

  test('goes with prune --all alone, and not while it is used', async () => {
    const [store, user] = [await temp.open(), await temp.open()];
    const use = await user.useCacheMount(request('private'));
    (await user.useCacheMount(request('private'))).release();
    writeFileSync(join(temp.root, 'mounts', key, '1/data/big'), 'x'.repeat(1000));
    expect((await store.prune()).mounts).toEqual([]);
    const tree = await measureOwnTrees([join(temp.root, 'mounts', key, '1')]);
    const expected = [{ key, id: '/cache', size: usedBytes(tree) }];
    expect(expected[0]?.size).toBeGreaterThan(1000);
    expect((await store.prune({ all: true, dryRun: true })).mounts).toEqual(expected);
    expect(existsSync(join(temp.root, 'mounts', key, '1'))).toBe(true);
    const used = await diskUse();
    const { mounts, reclaimed } = await store.prune({ all: true });
    expect(mounts).toEqual(expected);
    expect(used - (await diskUse())).toBe(reclaimed);
    expect(existsSync(use.directory)).toBe(true);
    expect(existsSync(join(temp.root, 'mounts', key, '1'))).toBe(false);
    use.release();
    expect((await store.prune({ all: true })).mounts).toMatchObject([{ key, id: '/cache' }]);
    expect(readdirSync(join(temp.root, 'mounts'))).toEqual([]);
  });

  test('that was used since then stays', async () => {
    const store = await temp.open();
    (await store.useCacheMount(request('locked'))).release();
    const [{ lastUsed } = { lastUsed: 0 }] = await store.listCacheMounts();
    expect((await store.prune({ all: true, unusedSince: lastUsed - 1 })).mounts).toEqual([]);
    expect((await store.prune({ all: true, unusedSince: lastUsed + 1 })).mounts).toMatchObject([{ key }]);
    expect(readdirSync(join(temp.root, 'mounts'))).toEqual([]);
  });

  test('that is being made is not taken away', async () => {
    const [store, user] = [await temp.open(), await temp.open()];
    let finish = (): void => undefined;
    const started = new Promise<void>((resolve) => {
      void user
        .useCacheMount(
          request('locked', {
            make: async (directory) => {
              mkdirSync(directory);
              resolve();
              await new Promise<void>((done) => (finish = done));
            },
          }),
        )
        .then((use) => use.release());
    });
    await started;
    expect((await store.prune({ all: true })).mounts).toEqual([]);
    finish();
    expect(await mustWait(store, 'locked')).toBe(false);
    expect(existsSync(join(temp.root, 'mounts', key, '0/data'))).toBe(true);
  });

  test('has a key that is a hash', async () => {
    const store = await temp.open();
    for (const bad of ['../../x', '', 'A'.repeat(64), `${key}/..`]) {
      await expect(store.useCacheMount(request('shared', { key: bad }))).rejects.toThrow(TypeError);
    }
  });
});
