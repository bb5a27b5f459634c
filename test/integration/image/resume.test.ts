import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { tarOf } from '../../../fixtures/layers/tar-bytes.ts';
import type { BroughtIn } from '../../../src/image/bring-in.ts';
import { pullImage } from '../../../src/image/pull.ts';
import { digestOf } from '../../../src/oci/digest.ts';
import { parseReference } from '../../../src/oci/reference.ts';
import { createRegistryClient } from '../../../src/registry/client.ts';
import { auditStore } from '../../helpers/audit-store.ts';
import { validateStoredImage } from '../../helpers/image.ts';
import { programPath, startProgram, tbuild } from '../../helpers/program.ts';
import { startRegistry } from '../../helpers/registry.ts';
import type { TestRegistry, TestRegistryOptions } from '../../helpers/registry.ts';
import { amd64, openWorkbench } from './workbench.ts';
import type { Workbench } from './workbench.ts';

const mebibyte = 1024 * 1024;
// Compressing it changes little, so places in the blob are places in the tar.
const layer = tarOf({ name: 'random', content: randomBytes(6 * mebibyte) });

let bench: Workbench;
let registry: TestRegistry;
beforeEach(async () => {
  bench = await openWorkbench();
});
afterEach(async () => {
  await registry[Symbol.asyncDispose]();
  await bench[Symbol.asyncDispose]();
});

interface Served {
  readonly blob: string;
  readonly size: number;
}

async function serve(options: TestRegistryOptions & { readonly gzip?: boolean } = {}): Promise<Served> {
  registry = await startRegistry(options);
  registry.putImage('app:1', { layers: [layer], ...options });
  const response = await fetch(`http://${registry.host}/v2/app/manifests/1`);
  const manifest = (await response.json()) as { layers: [{ digest: string; size: number }] };
  return { blob: manifest.layers[0].digest, size: manifest.layers[0].size };
}

async function pull(signal?: AbortSignal): Promise<BroughtIn> {
  using client = createRegistryClient({ retryDelayMs: 1 });
  const reference = parseReference(`${registry.host}/app:1`);
  return await pullImage({ ...bench, signal, reference, platform: amd64, registry: client });
}

/** Lets a pull fail after so many bytes. */
async function cutAfter({ blob }: Served, bytes: number): Promise<void> {
  registry.addFault({ path: new RegExp(blob), times: 1, action: { kind: 'cut', after: bytes } });
  registry.addFault({ path: new RegExp(blob), times: 3, action: { kind: 'status', status: 503 } });
  await expect(pull()).rejects.toMatchObject({ code: 'TBUILD_REGISTRY' });
}

const partials = (): readonly string[] => readdirSync(join(bench.store.root, 'blobs/partial'));
const ranges = ({ blob }: Served): readonly (string | undefined)[] =>
  registry.requests.filter(({ path }) => path.includes(blob)).map(({ range }) => range);

describe('a pull that was cut in the middle of a layer', () => {
  test.each([{ gzip: true }, { gzip: false }])('goes on there with the next one (%o)', async (options) => {
    const served = await serve(options);
    await cutAfter(served, 4 * mebibyte);
    expect(partials()).toEqual([served.blob.slice(7)]);
    const seen = ranges(served).length;
    const { image } = await pull();
    const [range] = ranges(served).slice(seen);
    const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1]);
    expect(from).toBeGreaterThan(3 * mebibyte);
    expect(ranges(served)).toHaveLength(seen + 1);
    await validateStoredImage(bench.store, image);
    expect(partials()).toEqual([]);
  });

  test.each(['ignore', 'refuse'] as const)('is whole too from a registry that knows no ranges (%s)', async (kind) => {
    const served = await serve({ ranges: kind });
    await cutAfter(served, 4 * mebibyte);
    const { image } = await pull();
    await validateStoredImage(bench.store, image);
    expect(partials()).toEqual([]);
  });

  test.each([{ gzip: true }, { gzip: false }])(
    'starts anew where what is there is something else (%o)',
    async (options) => {
      const served = await serve(options);
      mkdirSync(join(bench.store.root, 'blobs/partial'), { recursive: true });
      writeFileSync(join(bench.store.root, 'blobs/partial', served.blob.slice(7)), Buffer.alloc(3 * mebibyte, 'wrong'));
      const { image } = await pull();
      await validateStoredImage(bench.store, image);
      expect(ranges(served).at(-1)).toBeUndefined();
      expect(partials()).toEqual([]);
    },
  );

  test('starts anew after a power cut that took the last pages', async () => {
    const served = await serve({ gzip: true });
    await cutAfter(served, 4 * mebibyte);
    const path = join(bench.store.root, 'blobs/partial', served.blob.slice(7));
    const { length } = readFileSync(path);
    truncateSync(path, length - 100_000);
    truncateSync(path, length);
    const { image } = await pull();
    await validateStoredImage(bench.store, image);
    // Asked for the rest, saw that the beginning was wrong, and asked for all.
    expect(ranges(served).slice(-2)).toEqual([`bytes=${length}-`, undefined]);
  });

  test('fails once, not for ever, when the registry sends other bytes', async () => {
    const served = await serve({ gzip: false });
    await cutAfter(served, 4 * mebibyte);
    registry.addFault({ path: new RegExp(served.blob), times: 2, action: { kind: 'corrupt' } });
    await expect(pull()).rejects.toMatchObject({ code: expect.stringMatching(/MISMATCH|ARCHIVE/) as string });
    expect(partials()).toEqual([]);
    await validateStoredImage(bench.store, (await pull()).image);
  });

  test('keeps what an abort interrupts', async () => {
    const served = await serve();
    registry.addFault({ path: new RegExp(served.blob), times: 1, action: { kind: 'stall', after: 5 * mebibyte } });
    const controller = new AbortController();
    const pulling = pull(controller.signal);
    setTimeout(() => controller.abort(new Error('enough')), 700);
    await expect(pulling).rejects.toThrow('enough');
    expect(partials()).toHaveLength(1);
    await validateStoredImage(bench.store, (await pull()).image);
    expect(ranges(served).at(-1)).toMatch(/^bytes=[1-9]/);
  });

  test('two at once bring the same image', async () => {
    const served = await serve();
    await cutAfter(served, 4 * mebibyte);
    const [one, two] = await Promise.all([pull(), pull()]);
    expect(one.image.id).toBe(two.image.id);
    await validateStoredImage(bench.store, one.image);
    expect(partials()).toEqual([]);
  });
});

test('a build killed in the middle of a pull leaves what the next one continues, and a sound store', async () => {
  const served = await serve();
  const path = new RegExp(served.blob);
  registry.addFault({ path, times: 1, action: { kind: 'slow', bytes: 256 * 1024, delayMs: 100 } });
  const context = join(bench.directory, 'context');
  mkdirSync(context);
  writeFileSync(join(context, 'Dockerfile'), `FROM ${registry.host}/app:1\nLABEL a=b\n`);
  const { root } = bench.store;
  const program = startProgram([process.execPath, programPath, '--store', root, '-t', 'made', context]);
  const sizeSoFar = (): number => {
    const name = partials()[0];
    return name === undefined ? 0 : readFileSync(join(root, 'blobs/partial', name)).length;
  };
  await expect.poll(sizeSoFar, { timeout: 20_000, interval: 20 }).toBeGreaterThan(1.2 * mebibyte);
  program.kill('SIGKILL');
  await program.ended;
  await delay(100);
  const left = sizeSoFar();
  expect(left).toBeLessThan(served.size);
  const { code, stderr } = await tbuild('--store', root, '-t', 'made', context);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(ranges(served).at(-1)).toBe(`bytes=${left}-`);
  expect(partials()).toEqual([]);
  expect(await auditStore(bench.store)).toEqual([]);
  const made = await bench.store.findImage('made');
  expect(made?.image.chain.map(({ diffId }) => diffId)).toEqual([digestOf(layer)]);
});
