import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sha256, tempStore } from '../../helpers/temp-store.ts';

const project = fileURLToPath(new URL('../../..', import.meta.url));
let directory: string;

// Node 20 does not run TypeScript: the child is bundled into a directory from which the addon is found as from the package.
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tbuild-store-child-'));
  for (const name of ['addon', 'node_modules']) symlinkSync(join(project, name), join(directory, name));
  await build({
    entryPoints: [join(project, 'test/integration/store/child.ts')],
    outfile: join(directory, 'child.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external: ['node-gyp-build'],
  });
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

interface Child {
  readonly process: ChildProcess;
  /** Resolves when it has begun to work. */
  readonly ready: Promise<unknown>;
  readonly ended: Promise<unknown>;
  readonly words: () => string;
}

function start(root: string, mode: 'build' | 'prune', seed: number): Child {
  const child = spawn(process.execPath, [join(directory, 'child.mjs'), root, mode, String(seed)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (words += text));
  return { process: child, ready: once(child.stdout, 'data'), ended: once(child, 'close'), words: () => words };
}

async function stop(child: Child): Promise<void> {
  child.process.kill('SIGTERM');
  await child.ended;
  expect(child.words()).toBe('');
  expect(child.process.exitCode).toBe(0);
}

/** Everything that is visible in the store is whole. */
async function checkStore(root: string): Promise<{ layers: number; images: number }> {
  const temp = tempStoreAt(root);
  const store = await temp.open();
  const layers = readdirSync(join(root, 'layers'));
  expect(await store.lease(layers)).toEqual(layers.map(() => true));
  for (const id of layers) {
    expect(readdirSync(join(root, 'layers', id))).toEqual(['diff', 'layer.json', 'listing']);
    const entries = [...store.listing(id).entries()];
    const text = readFileSync(join(root, 'layers', id, 'listing'));
    expect(sha256(text.subarray(0, Number(text.readBigUInt64LE(text.length - 32))))).toBe(id);
    for (const entry of entries.filter(({ type }) => type === 'file')) {
      expect(sha256(readFileSync(join(store.diffDirectory(id), entry.path)))).toBe(entry.sha256);
    }
    expect((await store.layerInfo(id))?.entries).toBe(entries.length);
  }
  for (const hex of readdirSync(join(root, 'blobs/sha256')))
    expect(sha256(readFileSync(join(root, 'blobs/sha256', hex)))).toBe(hex);
  const images = await store.listImages();
  expect(images.filter(({ name }) => name !== undefined)).toHaveLength(readdirSync(join(root, 'images/names')).length);
  for (const { name, image } of images.filter(({ name: each }) => each !== undefined)) {
    expect((await store.findImage(name ?? ''))?.image).toEqual(image);
    expect(layers).toEqual(expect.arrayContaining(image.chain.map(({ layer }) => layer)));
    expect(existsSync(store.blobPath(image.id))).toBe(true);
  }
  for (const shard of readdirSync(join(root, 'records'))) {
    for (const key of readdirSync(join(root, 'records', shard))) expect(await store.readRecords(key)).toHaveLength(1);
  }
  await store[Symbol.asyncDispose]();
  return { layers: layers.length, images: images.length };
}

function tempStoreAt(root: string): { open(): ReturnType<ReturnType<typeof tempStore>['open']> } {
  return { open: async () => (await import('../../../src/store/open.ts')).openStore({ root }) };
}

async function expectCleanAfterPrune(root: string): Promise<void> {
  const store = await tempStoreAt(root).open();
  await store.prune();
  await store[Symbol.asyncDispose]();
  expect(readdirSync(join(root, 'tmp'))).toEqual([]);
  expect(readdirSync(join(root, 'leases'))).toEqual([]);
}

describe('a store that processes share', () => {
  test('holds only whole things whenever a process is killed, and the next one goes on with it', async () => {
    await using temp = tempStore();
    const found = { layers: 0, images: 0 };
    for (let round = 0; round < 25; round += 1) {
      const child = start(temp.root, 'build', round + 1);
      await child.ready;
      await delay(Math.random() * 200);
      child.process.kill('SIGKILL');
      await child.ended;
      expect(child.words()).toBe('');
      Object.assign(found, await checkStore(temp.root));
    }
    expect(found.layers).toBeGreaterThan(0);
    expect(found.images).toBeGreaterThan(0);
    await expectCleanAfterPrune(temp.root);
  });

  test('keeps its promises to builds that run beside each other and beside prune', async () => {
    await using temp = tempStore();
    const children = [start(temp.root, 'build', 1), start(temp.root, 'build', 2), start(temp.root, 'prune', 3)];
    await Promise.all(children.map((child) => child.ready));
    await delay(2500);
    for (const child of children) await stop(child);
    await checkStore(temp.root);
    await expectCleanAfterPrune(temp.root);
  });

  test('stays whole when a prune is killed', async () => {
    await using temp = tempStore();
    for (let round = 0; round < 8; round += 1) {
      const builder = start(temp.root, 'build', round + 100);
      const pruner = start(temp.root, 'prune', round + 200);
      await Promise.all([builder.ready, pruner.ready]);
      await delay(40 + Math.random() * 60);
      pruner.process.kill('SIGKILL');
      await pruner.ended;
      await stop(builder);
      await checkStore(temp.root);
    }
    await expectCleanAfterPrune(temp.root);
  });
});
