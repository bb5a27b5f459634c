import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createContainer, findContainer, isEnded, listContainers } from '../../../src/run/container.ts';
import type { Container } from '../../../src/run/container.ts';
import type { Job, Store } from '../../../src/store/types.ts';
import { tempStore } from '../../helpers/temp-store.ts';
import type { TempStore } from '../../helpers/temp-store.ts';

let stores: TempStore;
let store: Store;
let job: Job;
beforeEach(async () => {
  stores = tempStore();
  store = await stores.open();
  job = await store.createJob();
  mkdirSync(job.diff);
});
afterEach(() => stores[Symbol.asyncDispose]());

const create = (): Promise<Container> =>
  createContainer(store, job, { image: `sha256:${'a'.repeat(64)}`, argv: ['sh', '-c', 'x'] });

describe('a container', () => {
  test('is listed from its creation on, with the directory where it writes', async () => {
    const { id, running } = await create();
    const about = { id, argv: ['sh', '-c', 'x'], directory: job.path };
    expect(await findContainer(store, id)).toMatchObject(about);
    expect((await findContainer(store, id))?.pid).toBeUndefined();
    await running(process.pid);
    expect(await listContainers(store)).toMatchObject([{ ...about, pid: process.pid }]);
  });

  test('has not ended while its job is there, even before its command runs', async () => {
    await create();
    expect((await listContainers(store)).map(isEnded)).toEqual([false]);
    await job[Symbol.asyncDispose]();
    expect((await listContainers(store)).map(isEnded)).toEqual([true]);
  });

  test('keeps what was written, and how it ended, however late it was noted that it runs', async () => {
    writeFileSync(join(job.diff, 'file'), 'content');
    const { id, running, keep } = await create();
    const noted = running(process.pid);
    const kept = await keep(3);
    await noted;
    expect(readFileSync(join(kept, 'file'), 'utf8')).toBe('content');
    const record = await findContainer(store, id);
    expect(record).toMatchObject({ exitCode: 3, directory: join(store.root, 'containers', id, 'kept') });
    expect(record?.pid).toBeUndefined();
    expect(record !== undefined && isEnded(record)).toBe(true);
  });

  test('leaves nothing when it is forgotten, however late it was noted that it runs', async () => {
    const { id, running, forget } = await create();
    void running(process.pid);
    await forget();
    expect(existsSync(join(store.root, 'containers', id))).toBe(false);
    expect(await listContainers(store)).toEqual([]);
  });

  test('whose process is gone does not run', async () => {
    const { id, running } = await create();
    await running(2 ** 22 + 1);
    expect((await findContainer(store, id))?.pid).toBeUndefined();
  });

  test("is found by the beginning of its id, when that is no other's", async () => {
    const { id } = await create();
    expect((await findContainer(store, id.slice(0, 12)))?.id).toBe(id);
    expect(await findContainer(store, id.slice(0, 3))).toBeUndefined();
    expect(await findContainer(store, 'debian')).toBeUndefined();
    mkdirSync(join(store.root, 'containers', `${id.slice(0, 12)}${'0'.repeat(52)}`));
    const twin = join(store.root, 'containers', `${id.slice(0, 12)}${'0'.repeat(52)}`, 'container.json');
    writeFileSync(twin, JSON.stringify({ id: `${id.slice(0, 12)}${'0'.repeat(52)}` }));
    await expect(findContainer(store, id.slice(0, 12))).rejects.toMatchObject({ code: 'TBUILD_USAGE' });
  });

  test('whose record is damaged is passed over', async () => {
    const { id } = await create();
    writeFileSync(join(store.root, 'containers', id, 'container.json'), '{');
    expect(await listContainers(store)).toEqual([]);
  });
});
