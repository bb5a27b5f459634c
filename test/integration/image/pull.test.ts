import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { BroughtIn } from '../../../src/image/bring-in.ts';
import type { LayerProgress } from '../../../src/image/fetch-layers.ts';
import { inspectImage } from '../../../src/image/inspect.ts';
import { pullImage } from '../../../src/image/pull.ts';
import { digestOf } from '../../../src/oci/digest.ts';
import { parseReference } from '../../../src/oci/reference.ts';
import { mergedView } from '../../../src/store/merged.ts';
import { lacks, peersProgram } from '../../helpers/capabilities.ts';
import { validateStoredImage } from '../../helpers/image.ts';
import { inFlight } from '../../helpers/leaks.ts';
import { startRegistry } from '../../helpers/registry.ts';
import type { Fault, TestRegistry } from '../../helpers/registry.ts';
import { tarOf } from './layouts.ts';
import { amd64, openWorkbench, run } from './workbench.ts';
import type { Workbench } from './workbench.ts';

describe.skipIf(lacks('root'))('a pull', () => {
  let bench: Workbench;
  let registry: TestRegistry;
  let tars: readonly Buffer[];
  beforeAll(async () => {
    bench = await openWorkbench();
    tars = ['one', 'two', 'three', 'four', 'five'].map((name) =>
      tarOf(bench.directory, name, `echo ${name} > ${name}; head -c 200000 /dev/urandom > random-${name}`),
    );
  });
  beforeEach(async () => {
    registry = await startRegistry();
    return () => registry[Symbol.asyncDispose]();
  });
  afterAll(async () => {
    await bench[Symbol.asyncDispose]();
  });

  const pull = (
    name: string,
    options: { workbench?: Workbench; signal?: AbortSignal; onProgress?: (progress: LayerProgress) => void } = {},
  ): Promise<BroughtIn> => {
    const { workbench = bench, ...rest } = options;
    return pullImage({ ...workbench, ...rest, reference: parseReference(`${registry.host}/${name}`), platform: amd64 });
  };
  const blobRequests = (): readonly string[] =>
    registry.requests.map(({ path }) => path).filter((path) => path.includes('/blobs/'));
  const fresh = async (work: (workbench: Workbench) => Promise<void>): Promise<void> => {
    const workbench = await openWorkbench();
    try {
      await work(workbench);
    } finally {
      await workbench[Symbol.asyncDispose]();
    }
  };

  test('brings layers, config and manifest; the digest of the index is remembered', async () => {
    const image = registry.putImage('app:one', { layers: tars, config: { Cmd: ['sh'] } });
    const other = registry.putImage('app:arm', { layers: [], platform: { os: 'linux', architecture: 'arm64' } });
    const index = registry.putIndex('app:v1', [other, image]);
    const { image: pulled, omissions } = await pull('app:v1');
    expect((await validateStoredImage(bench.store, pulled)).config).toEqual({ Cmd: ['sh'] });
    expect(pulled.repoDigests).toEqual([`${registry.host}/app@${index.digest}`]);
    expect(pulled.manifest?.digest).toBe(image.digest);
    expect(omissions).toEqual([]);
    const view = mergedView(pulled.chain, (id) => bench.store.listing(id));
    expect(view.children('').map(({ path }) => path)).toHaveLength(10);
    const byDigest = await bench.store.findImage(`${registry.host}/app@${index.digest}`);
    expect(byDigest?.image).toEqual(pulled);
  });

  test('layers that the store has are not fetched', async () => {
    registry.putImage('app:one', { layers: tars });
    await pull('app:one');
    registry.putImage('app:two', { layers: tars, config: { User: 'x' } });
    const before = blobRequests().length;
    const phases: string[] = [];
    await pull('app:two', { onProgress: ({ phase }) => phases.push(phase) });
    // The config alone.
    expect(blobRequests()).toHaveLength(before + 1);
    expect(phases).toEqual(tars.map(() => 'exists'));
  });

  test('at most four layers are fetched at a time, and each tells how far it is', async () => {
    await fresh(async (workbench) => {
      registry.putImage('app:slow', { layers: tars });
      registry.addFault({ path: /blobs/, times: 6, action: { kind: 'slow', bytes: 50_000, delayMs: 5 } });
      const running = new Set<string>();
      const seen = new Map<string, number>();
      const waiting = new Set<string>();
      let most = 0;
      await pull('app:slow', {
        workbench,
        onProgress({ phase, blob, current, total }) {
          if (phase === 'waiting') waiting.add(blob);
          // How much there is to fetch is known from the beginning.
          else expect(waiting.size).toBe(tars.length);
          if (phase === 'fetching') running.add(blob);
          else running.delete(blob);
          most = Math.max(most, running.size);
          expect(current).toBeGreaterThanOrEqual(seen.get(blob) ?? 0);
          expect(current).toBeLessThanOrEqual(total);
          seen.set(blob, current);
        },
      });
      expect(most).toBeLessThanOrEqual(4);
      expect(most).toBeGreaterThan(1);
      expect(seen.size).toBe(tars.length);
    });
  });

  test.each<[string, Fault['action'], string]>([
    ['other bytes', { kind: 'corrupt' }, 'TBUILD_'],
    ['more bytes', { kind: 'extra', bytes: 10 }, 'TBUILD_DIGEST_MISMATCH'],
    ['a refusal', { kind: 'status', status: 403 }, 'TBUILD_REGISTRY'],
  ])('%s for a layer stop the pull; nothing stays in flight and no image appears', async (_, action, code) => {
    await fresh(async (workbench) => {
      registry.putImage('app:bad', { layers: tars.slice(0, 3), config: { User: 'bad' } });
      const [, broken] = JSON.parse(await manifestOf('app:bad')).layers as { digest: string }[];
      registry.addFault({ path: new RegExp(broken?.digest ?? ''), action });
      const failed = pull('app:bad', { workbench });
      await expect(failed).rejects.toThrow(expect.objectContaining({ code: expect.stringContaining(code) }));
      await expect(failed).rejects.toThrow(/app:bad/);
      expect(await workbench.store.listImages()).toEqual([]);
      expect(inFlight(workbench.store.root)).toEqual([]);
    });
  });

  async function manifestOf(name: string): Promise<string> {
    const [repository, tag] = name.split(':');
    return (await fetch(`http://${registry.host}/v2/${repository}/manifests/${tag}`)).text();
  }

  test('content that is not what the config says is refused, though the blob verifies', async () => {
    const wrong = { rootfs: { type: 'layers', diff_ids: [digestOf('other')] } };
    const tar = tarOf(bench.directory, 'wrong', 'echo wrong > wrong');
    registry.putImage('app:wrong', { layers: [tar], imageConfig: wrong });
    await expect(pull('app:wrong')).rejects.toThrow(expect.objectContaining({ code: 'TBUILD_DIGEST_MISMATCH' }));
    expect(await bench.store.findDiffId(digestOf(tar))).toBeUndefined();
  });

  test('an abort in the middle ends with its reason and leaves nothing in flight', async () => {
    await fresh(async (workbench) => {
      registry.putImage('app:stall', { layers: tars });
      registry.addFault({ path: new RegExp('blobs'), times: 0, action: { kind: 'corrupt' } });
      const [first] = JSON.parse(await manifestOf('app:stall')).layers as { digest: string }[];
      registry.addFault({ path: new RegExp(first?.digest ?? ''), action: { kind: 'stall', after: 1000 } });
      const controller = new AbortController();
      const onProgress = ({ current }: LayerProgress): void => {
        if (current > 0) setTimeout(() => controller.abort(new Error('enough')), 50);
      };
      const pulling = pull('app:stall', { workbench, signal: controller.signal, onProgress });
      await expect(pulling).rejects.toThrow('enough');
      expect(inFlight(workbench.store.root)).toEqual([]);
    });
  });
});

describe.skipIf(lacks('root', 'peers'))("a pull from the peers' registry", () => {
  test.each(['localhost:5000/busybox:latest', 'localhost:5000/debian:trixie'])(
    '%s is the image that docker has',
    async (name) => {
      const bench = await openWorkbench();
      try {
        const { image } = await pullImage({ ...bench, reference: parseReference(name), platform: amd64 });
        await bench.store.tag(image.id, [name]);
        await validateStoredImage(bench.store, image);
        run(peersProgram, ['docker', 'pull', '-q', name]);
        const [docker] = JSON.parse(run(peersProgram, ['docker', 'image', 'inspect', name]).toString());
        const ours = await inspectImage(bench.store, name);
        for (const field of ['Id', 'Comment', 'Created', 'Architecture', 'Os', 'RootFS'] as const) {
          expect(ours[field], field).toEqual(docker[field]);
        }
        // Docker there may have other names for it, too.
        for (const field of ['RepoTags', 'RepoDigests'] as const) {
          expect(ours[field], field).toHaveLength(1);
          expect(docker[field], field).toEqual(expect.arrayContaining([...ours[field]]));
        }
        expect(ours.Config.Cmd).toEqual(docker.Config.Cmd);
      } finally {
        await bench[Symbol.asyncDispose]();
      }
    },
  );
});
