import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { directory, file, hardlink, symlink } from '../../../../fixtures/layers/layer-case.ts';
import { tarEntry, tarOf } from '../../../../fixtures/layers/tar-bytes.ts';
import type { TarRecipe } from '../../../../fixtures/layers/tar-bytes.ts';
import { loadImages } from '../../../../src/image/archive/load.ts';
import type { LoadedImages, LoadOptions } from '../../../../src/image/archive/load.ts';
import { formatReference, parseReference } from '../../../../src/oci/reference.ts';
import { openStore } from '../../../../src/rootfs/open-store.ts';
import { auditStore } from '../../../helpers/audit-store.ts';
import { lacks } from '../../../helpers/capabilities.ts';
import { validateStoredImage } from '../../../helpers/image.ts';
import { inFlight, openFilesBelow } from '../../../helpers/leaks.ts';
import { descendantsOf } from '../../../helpers/processes.ts';
import { programPath, startProgram, tbuild } from '../../../helpers/program.ts';
import { bytes, openWorkbench } from '../workbench.ts';
import type { Workbench } from '../workbench.ts';
import {
  archiveOf,
  configOf,
  dockerFiles,
  forPlatform,
  hexOf,
  idOf,
  json,
  layoutMaker,
  named,
  storedZstd,
  types,
} from './archives.ts';
import type { Made } from './archives.ts';

let bench: Workbench;
beforeAll(async () => {
  bench = await openWorkbench();
});
afterAll(() => bench[Symbol.asyncDispose]());

let count = 0;
/** A layer that no other test has loaded. */
const freshLayer = (): Buffer => tarOf(directory('d'), file(`d/${count++}`, 'x'.repeat(1000)));

const load = (archive: Buffer, options: Partial<LoadOptions> = {}): Promise<LoadedImages> =>
  loadImages({ ...bench, origin: bytes(archive), ...options });

function onDisk(archive: Buffer): string {
  const path = join(bench.directory, `archive-${count++}.tar`);
  writeFileSync(path, archive);
  return path;
}

/** The ways by which an archive gets in. */
const ways: readonly [string, (archive: Buffer) => Partial<LoadOptions>][] = [
  ['a file', (archive) => ({ origin: onDisk(archive) })],
  ['a stream', (archive) => ({ origin: bytes(archive) })],
  ['a compressed file', (archive) => ({ origin: onDisk(gzipSync(archive)) })],
  ['a compressed stream', (archive) => ({ origin: bytes(gzipSync(archive)) })],
];

/** What must be there afterwards: images, names, nothing in flight, nothing open. */
async function expectLoaded(loaded: LoadedImages, images: readonly Made[]): Promise<void> {
  expect(loaded.images.map(({ image }) => image.id)).toEqual(images.map(idOf));
  for (const [index, { image, names }] of loaded.images.entries()) {
    await validateStoredImage(bench.store, image);
    const wanted = (images[index]?.names ?? []).map((name) => formatReference(parseReference(name)));
    expect(names).toEqual(wanted);
    for (const name of wanted) expect((await bench.store.findImage(name))?.image.id).toBe(image.id);
  }
  expectNothingLeft();
}

function expectNothingLeft(): void {
  expect(inFlight(bench.store.root)).toEqual([]);
  expect(openFilesBelow(bench.directory).filter((path) => /archive-|members/.test(path))).toEqual([]);
}

describe.each(ways)('from %s', (_, way) => {
  test.each(['docker', 'podman', 'blobs'] as const)(
    'an archive in the form "%s": several images, names, a layer again and again',
    async (style) => {
      const shared = freshLayer();
      const images: readonly Made[] = [
        { layers: [shared, freshLayer()], names: ['app:1', 'registry.example/app:2'], config: { Cmd: ['one'] } },
        { layers: [shared, shared], names: ['twice'], config: { Cmd: ['two'] } },
        { layers: [], config: { Cmd: [style] } },
      ];
      await expectLoaded(await load(Buffer.alloc(0), way(archiveOf(dockerFiles(style, images)))), images);
    },
  );

  test('an OCI layout: gzip, zstd and plain layers, names, an index in an index', async () => {
    const maker = layoutMaker();
    const one: Made = { layers: [freshLayer(), freshLayer()], names: ['app:one', 'app:uno'] };
    const two: Made = { layers: [freshLayer()], names: ['other/app'] };
    const three: Made = { layers: [freshLayer()] };
    const zstd = (tar: Buffer): { mediaType: string; bytes: Buffer } => ({
      mediaType: types.zstd,
      bytes: storedZstd(tar),
    });
    const plain = (tar: Buffer): { mediaType: string; bytes: Buffer } => ({ mediaType: types.layer, bytes: tar });
    const first = maker.image({ ...one, pack: plain });
    const attestation = forPlatform(maker.image({ layers: [], config: { attested: true } }), 'unknown', 'unknown');
    const nested = maker.index([forPlatform(maker.image({ ...two, pack: zstd }), 'amd64'), attestation]);
    const files = maker.files([
      named(first, 'docker.io/library/app:one'),
      named(first, 'docker.io/library/app:uno'),
      named(nested, 'docker.io/other/app:latest'),
      maker.image(three),
    ]);
    await expectLoaded(await load(Buffer.alloc(0), way(archiveOf(files))), [one, two, three]);
  });
});

describe('an archive', () => {
  test('may have its table of contents anywhere', async () => {
    const image: Made = { layers: [freshLayer()], names: ['anywhere'] };
    const files = dockerFiles('blobs', [image]);
    for (const order of [files, files.toReversed()]) {
      await expectLoaded(await load(archiveOf(order)), [image]);
      await expectLoaded(await load(archiveOf(order), { origin: onDisk(archiveOf(order)) }), [image]);
    }
  });

  test('may have been unpacked and packed again: with ./, directories and hard links', async () => {
    const image: Made = { layers: [freshLayer()], names: ['again'] };
    const [layer, config, manifest] = dockerFiles('blobs', [image]) as [TarRecipe, TarRecipe, TarRecipe];
    const name = String(layer.name);
    const files = [
      directory('./'),
      directory('./blobs/'),
      { ...layer, name: './elsewhere' },
      hardlink(`./${name}`, './elsewhere'),
      { ...config, name: `./${String(config.name)}` },
      { ...manifest, name: './manifest.json' },
    ];
    await expectLoaded(await load(archiveOf(files)), [image]);
  });

  test('of docker and OCI in one counts as what its index.json says', async () => {
    const layer = freshLayer();
    const maker = layoutMaker();
    const image: Made = { layers: [layer], names: ['in-layout'] };
    const files = [
      ...maker.files([named(maker.image(image), 'docker.io/library/in-layout:latest')]),
      ...dockerFiles('podman', [{ layers: [layer], names: ['in-manifest'] }]).slice(-1),
    ];
    await expectLoaded(await load(archiveOf(files)), [image]);
    expect(await bench.store.findImage('in-manifest')).toBeUndefined();
  });

  test('keeps the manifest of a layout, so that a save gives it back', async () => {
    const maker = layoutMaker();
    const entry = maker.image({ layers: [freshLayer()] });
    const { images } = await load(archiveOf(maker.files([entry])));
    expect(images[0]?.image.manifest).toMatchObject({ digest: entry.digest, mediaType: types.manifest });
  });

  test.each([
    ['podman and skopeo: a whole name', 'localhost/foo:v1', ['localhost/foo:v1']],
    ['a tag alone, which is no name', 'v1', []],
  ])('names its images by the OCI reference name too: %s', async (_, name, names) => {
    const maker = layoutMaker();
    const entry = maker.image({ layers: [freshLayer()] });
    const files = maker.files([{ ...entry, annotations: { 'org.opencontainers.image.ref.name': name } }]);
    expect((await load(archiveOf(files))).images[0]?.names).toEqual(names);
  });

  test('moves a name that another image had', async () => {
    const [first, second] = [freshLayer(), freshLayer()].map((layer): Made => ({ layers: [layer], names: ['moving'] }));
    for (const image of [first, second] as readonly Made[]) {
      await expectLoaded(await load(archiveOf(dockerFiles('blobs', [image]))), [image]);
    }
  });

  test('gives no image a name when one of them is broken', async () => {
    const good: Made = { layers: [freshLayer()], names: ['good'] };
    const bad: Made = { layers: [freshLayer()], names: ['bad'], diffIds: [`sha256:${'0'.repeat(64)}`] };
    await expect(load(archiveOf(dockerFiles('blobs', [good, bad])))).rejects.toMatchObject({
      code: 'TBUILD_DIGEST_MISMATCH',
    });
    expect(await bench.store.findImage('good')).toBeUndefined();
    expectNothingLeft();
  });

  test('tells how its layers come along', async () => {
    const image: Made = { layers: [freshLayer(), freshLayer()] };
    const seen: string[] = [];
    const onProgress = ({
      phase,
      diffId,
      current,
      total,
    }: Parameters<NonNullable<LoadOptions['onProgress']>>[0]): void => {
      expect(current).toBeLessThanOrEqual(total);
      if (phase === 'done' || phase === 'exists') seen.push(`${phase} ${diffId}`);
    };
    await load(archiveOf(dockerFiles('docker', [image])), { onProgress });
    const done = image.layers.map((layer) => `done sha256:${hexOf(layer)}`);
    expect(seen.toSorted()).toEqual(done.toSorted());
  });
});

describe('a load beside others', () => {
  test('loses nothing to a prune at any moment', async () => {
    const image: Made = { layers: Array.from({ length: 5 }, freshLayer), names: ['beside-prune'] };
    const archive = archiveOf(dockerFiles('blobs', [image]));
    const other = await openStore({ root: bench.store.root });
    let isLoading = true;
    const pruning = (async () => {
      for (; isLoading; await delay(1)) await other.prune();
    })();
    async function* slowly(): AsyncGenerator<Uint8Array, void, undefined> {
      for (let start = 0; start < archive.length; start += 1000) {
        yield archive.subarray(start, start + 1000);
        await delay(2);
      }
    }
    try {
      await expectLoaded(await load(archive, { origin: slowly() }), [image]);
    } finally {
      isLoading = false;
      await pruning;
      await other[Symbol.asyncDispose]();
    }
    expect((await bench.store.findImage('beside-prune'))?.image.id).toBe(idOf(image));
  });

  test('that is killed leaves what the next one takes away', async () => {
    const image: Made = { layers: [freshLayer()], names: ['killed'] };
    const path = onDisk(archiveOf(dockerFiles('blobs', [image])));
    const store = join(bench.directory, 'killed');
    const command = `head -c 2000 '${path}'; sleep 60`;
    const program = startProgram([
      'sh',
      '-c',
      `(${command}) | exec '${process.execPath}' '${programPath}' load --store '${store}'`,
    ]);
    const members = (): number =>
      existsSync(join(store, 'tmp'))
        ? readdirSync(join(store, 'tmp'), { recursive: true }).filter((each) => String(each).includes('members/'))
            .length
        : 0;
    await expect.poll(members, { timeout: 20_000 }).toBeGreaterThan(0);
    for (const { pid } of descendantsOf(program.pid)) process.kill(pid, 'SIGKILL');
    await program.ended;
    expect(members()).toBeGreaterThan(0);
    expect(await tbuild('load', '--store', store, '-i', path)).toMatchObject({
      code: 0,
      stdout: 'Loaded image: killed:latest\n',
    });
    expect(readdirSync(join(store, 'tmp'))).toEqual([]);
    await using opened = await openStore({ root: store });
    expect(await auditStore(opened)).toEqual([]);
  });
});

describe('an image for several platforms', () => {
  const arm64 = { os: 'linux', architecture: 'arm64' };
  const made = (architecture: string): Made => ({ layers: [freshLayer()], architecture });
  const two = (): { readonly amd64: Made; readonly arm64: Made; readonly files: readonly TarRecipe[] } => {
    const maker = layoutMaker();
    const [amd64, arm] = [made('amd64'), made('arm64')];
    const index = maker.index([forPlatform(maker.image(arm), 'arm64'), forPlatform(maker.image(amd64), 'amd64')]);
    return { amd64, arm64: arm, files: maker.files([named(index, 'docker.io/library/multi:latest')]) };
  };

  test.skipIf(process.arch !== 'x64')("is this machine's, or the one that is asked for", async () => {
    const images = two();
    expect((await load(archiveOf(images.files))).images[0]?.image.id).toBe(idOf(images.amd64));
    const { images: loaded } = await load(archiveOf(images.files), { platform: arm64 });
    expect(loaded[0]?.image).toMatchObject({ id: idOf(images.arm64), platform: arm64 });
  });

  test('may name its manifests in index.json itself', async () => {
    const maker = layoutMaker();
    const [amd64, arm] = [made('amd64'), made('arm64')];
    const files = maker.files([forPlatform(maker.image(amd64), 'amd64'), forPlatform(maker.image(arm), 'arm64')]);
    const { images } = await load(archiveOf(files), { platform: arm64 });
    expect(images.map(({ image }) => image.id)).toEqual([idOf(arm)]);
  });

  test('without the wanted one says which there are', async () => {
    const files = two().files;
    await expect(load(archiveOf(files), { platform: { os: 'linux', architecture: 's390x' } })).rejects.toMatchObject({
      code: 'TBUILD_PLATFORM_MISMATCH',
      hint: 'It has linux/arm64, linux/amd64.',
    });
    const single = dockerFiles('blobs', [made('amd64')]);
    await expect(load(archiveOf(single), { platform: arm64 })).rejects.toMatchObject({
      code: 'TBUILD_PLATFORM_MISMATCH',
    });
  });

  test('of which the archive has one alone is that one, whatever this machine is', async () => {
    const maker = layoutMaker();
    const only = made('s390x');
    const index = maker.index([
      forPlatform(maker.image(only), 's390x'),
      forPlatform(maker.image({ layers: [], config: { attested: true } }), 'unknown', 'unknown'),
    ]);
    expect((await load(archiveOf(maker.files([index])))).images[0]?.image.id).toBe(idOf(only));
  });
});

describe('what is no archive of images', () => {
  test.each([
    ['the tar of a root file system', tarOf(directory('etc'), file('etc/passwd')), 'TBUILD_ARCHIVE', 'tbuild import'],
    ['an empty file', Buffer.alloc(0), 'TBUILD_ARCHIVE', 'tbuild import'],
    ['text', Buffer.from('hello\n'.repeat(200)), 'TBUILD_ARCHIVE', ''],
    ['what docker wrote before 1.10', tarOf(file('repositories', '{}')), 'TBUILD_UNSUPPORTED', 'older docker'],
  ])('%s is refused, with what to do', async (_, archive, code, hint) => {
    for (const origin of [bytes(archive), onDisk(archive)]) {
      await expect(load(archive, { origin })).rejects.toMatchObject({
        code,
        ...(hint === '' ? {} : { hint: expect.stringContaining(hint) as string }),
      });
    }
    expectNothingLeft();
  });

  test('a path that does not exist, or is a directory, is said', async () => {
    for (const origin of ['/nowhere/x.tar', bench.directory]) {
      await expect(load(Buffer.alloc(0), { origin })).rejects.toMatchObject({ code: 'TBUILD_IO' });
    }
  });
});

describe('a hostile archive', () => {
  const image = (): Made => ({ layers: [freshLayer()], names: ['hostile'] });
  const base = (): TarRecipe[] => [...dockerFiles('blobs', [image()])];
  const replaced = (change: (recipe: TarRecipe, index: number) => TarRecipe): Buffer => archiveOf(base().map(change));
  const manifest = (value: unknown): TarRecipe => ({ name: 'manifest.json', content: json(value) });
  const large = (name: string, size: number): TarRecipe => ({ name, content: Buffer.alloc(size, ' ') });

  const attacks: readonly [string, () => Buffer, RegExp][] = [
    [
      'a layer that is a symlink to a file of this machine',
      () => replaced((each, index) => (index === 1 ? symlink(String(each.name), '/etc/passwd') : each)),
      /ARCHIVE/,
    ],
    [
      'a layer that is a symlink out of the archive',
      () => replaced((each, index) => (index === 1 ? symlink(String(each.name), '../../../../etc/passwd') : each)),
      /ARCHIVE/,
    ],
    [
      'a config that is a symlink to a file of this machine',
      () => replaced((each, index) => (index === 0 ? symlink(String(each.name), '/etc/passwd') : each)),
      /ARCHIVE/,
    ],
    [
      'a manifest that is a symlink to a file of this machine',
      () => archiveOf([...base().slice(0, -1), symlink('manifest.json', '/etc/passwd')]),
      /ARCHIVE/,
    ],
    [
      'links in a circle',
      () => archiveOf([symlink('manifest.json', 'a'), symlink('a', 'b'), symlink('b', 'manifest.json')]),
      /ARCHIVE/,
    ],
    ['a hard link to nothing', () => archiveOf([hardlink('manifest.json', 'nothing')]), /ARCHIVE/],
    ['a member name that leads out', () => archiveOf([...base(), file('../../evil')]), /ARCHIVE/],
    [
      'a path in manifest.json that leads out',
      () => archiveOf([manifest([{ Config: '../../../etc/passwd', Layers: [] }])]),
      /ARCHIVE/,
    ],
    [
      'an absolute path in manifest.json',
      () => archiveOf([manifest([{ Config: '/etc/passwd', Layers: [] }])]),
      /ARCHIVE/,
    ],
    ['a config that is missing', () => archiveOf(base().slice(1)), /ARCHIVE/],
    ['a layer that is missing', () => archiveOf(base().filter((_, index) => index !== 1)), /ARCHIVE/],
    ['two files of one name', () => archiveOf([...base(), manifest([])]), /ARCHIVE/],
    [
      'a device as a layer',
      () => replaced((each, index) => (index === 1 ? { name: each.name, type: '3', major: 1, minor: 5 } : each)),
      /ARCHIVE/,
    ],
    [
      'a config under a wrong digest',
      () =>
        replaced((each, index) =>
          index === 0 ? { ...each, content: configOf({ layers: [], config: { other: count } }) } : each,
        ),
      /DIGEST_MISMATCH/,
    ],
    [
      'a layer under a wrong digest',
      () => replaced((each, index) => (index === 1 ? { ...each, content: freshLayer() } : each)),
      /DIGEST_MISMATCH/,
    ],
    [
      'a layer with another diffID',
      () => archiveOf(dockerFiles('docker', [{ ...image(), diffIds: [`sha256:${'1'.repeat(64)}`] }])),
      /DIGEST_MISMATCH/,
    ],
    [
      'fewer layers than the config says',
      () => archiveOf(dockerFiles('docker', [{ layers: [], diffIds: [`sha256:${'1'.repeat(64)}`] }])),
      /MANIFEST/,
    ],
    ['a manifest.json that is far too large', () => archiveOf([large('manifest.json', 5 * 1024 * 1024)]), /MANIFEST/],
    [
      'a config that is far too large',
      () => archiveOf([large('c', 9 * 1024 * 1024), manifest([{ Config: 'c', Layers: [] }])]),
      /MANIFEST/,
    ],
    [
      'an index.json that is far too large',
      () => archiveOf([file('oci-layout', '{"imageLayoutVersion":"1.0.0"}'), large('index.json', 5 * 1024 * 1024)]),
      /MANIFEST/,
    ],
    ['a manifest.json that is no list', () => archiveOf([manifest({})]), /MANIFEST/],
    ['a manifest.json of nonsense', () => archiveOf([manifest([{ Config: 5, Layers: 'x' }])]), /MANIFEST/],
    ['a manifest.json that is no JSON', () => archiveOf([file('manifest.json', '[{')]), /MANIFEST/],
    ['a name that is none', () => archiveOf(dockerFiles('blobs', [{ ...image(), names: ['-rm -rf/'] }])), /REFERENCE/],
    [
      'a name with a digest',
      () => archiveOf(dockerFiles('blobs', [{ ...image(), names: [`x@sha256:${'0'.repeat(64)}`] }])),
      /REFERENCE/,
    ],
    [
      'a layer that climbs out',
      () => archiveOf(dockerFiles('blobs', [{ layers: [tarOf(file('../../evil'))] }])),
      /ARCHIVE/,
    ],
    ['an archive that is cut off', () => archiveOf(base()).subarray(0, 700), /ARCHIVE/],
    ['a compressed archive that is cut off', () => gzipSync(archiveOf(base())).subarray(0, 300), /ARCHIVE/],
    [
      'a size beyond the end',
      () => Buffer.concat([tarEntry({ name: 'x', size: 2 ** 40 }), archiveOf(base())]),
      /ARCHIVE/,
    ],
    [
      'one name for two images',
      () => {
        const maker = layoutMaker();
        const entries = [image(), image()].map((made) => named(maker.image(made), 'docker.io/library/x:latest'));
        return archiveOf(maker.files(entries));
      },
      /ARCHIVE/,
    ],
    [
      'indexes nested without end',
      () => {
        const maker = layoutMaker();
        let entry = maker.image(image());
        for (let depth = 0; depth < 8; depth++) entry = maker.index([entry]);
        return archiveOf(maker.files([entry]));
      },
      /MANIFEST/,
    ],
    [
      'a manifest under a wrong digest',
      () => {
        const maker = layoutMaker();
        const files = maker.files([maker.image(image())]);
        return archiveOf(files.map((each, index) => (index === files.length - 1 ? { ...each, content: '{}' } : each)));
      },
      /DIGEST_MISMATCH/,
    ],
    [
      'a blob that is missing from a layout',
      () => {
        const maker = layoutMaker();
        const entry = maker.image(image());
        return archiveOf(
          maker.files([entry]).filter(({ name }) => String(name) !== `blobs/sha256/${entry.digest.slice(7)}`),
        );
      },
      /ARCHIVE/,
    ],
    [
      'a digest that leads out',
      () => {
        const maker = layoutMaker();
        return archiveOf(
          maker.files([{ mediaType: types.manifest, digest: 'sha256:../../../../etc/passwd', size: 1 }]),
        );
      },
      /MANIFEST/,
    ],
  ];

  test('with a symlink to a directory leads nowhere: its paths go through none', async () => {
    const made: Made = { layers: [freshLayer()] };
    await expectLoaded(await load(archiveOf([symlink('blobs', '/etc'), ...dockerFiles('blobs', [made])])), [made]);
  });

  test.each(attacks)(
    'with %s is refused from a file and from a stream, and leaves nothing behind',
    async (_, make, code) => {
      for (const way of ['file', 'stream'] as const) {
        const archive = make();
        const layers = readdirSync(join(bench.store.root, 'layers'));
        const loading = load(archive, way === 'file' ? { origin: onDisk(archive) } : {});
        if (code.source === '^$') {
          // Inside the archive a path leads through no symlink.
          await expect(loading).resolves.toBeDefined();
          continue;
        }
        await expect(loading).rejects.toMatchObject({ code: expect.stringMatching(code) as string });
        expect(await bench.store.findImage('hostile')).toBeUndefined();
        expect(readdirSync(join(bench.store.root, 'layers'))).toEqual(layers);
        expectNothingLeft();
      }
    },
  );
});

describe('an abort', () => {
  test('ends a load that waits for its archive', async () => {
    async function* silent(): AsyncGenerator<Uint8Array, void, undefined> {
      yield archiveOf(dockerFiles('blobs', [{ layers: [freshLayer()] }])).subarray(0, 600);
      await new Promise(() => undefined);
    }
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error('enough')), 200);
    await expect(loadImages({ ...bench, origin: silent(), signal: controller.signal })).rejects.toThrow('enough');
    expectNothingLeft();
  });
});

describe.skipIf(lacks('tool:xz'))('an archive that is compressed in another way', () => {
  test.each(['xz', 'bzip2', 'zstd'])('%s', async (program) => {
    const image: Made = { layers: [freshLayer()], names: [program] };
    const packed = execFileSync(program, ['-c'], { input: archiveOf(dockerFiles('blobs', [image])) });
    await expectLoaded(await load(packed), [image]);
  });
});
