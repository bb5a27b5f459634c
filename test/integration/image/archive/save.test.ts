import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadImages } from '../../../../src/image/archive/load.ts';
import type { LoadedImages } from '../../../../src/image/archive/load.ts';
import { saveImages } from '../../../../src/image/archive/save.ts';
import { selectImages } from '../../../../src/image/archive/select-images.ts';
import { digestOf } from '../../../../src/oci/digest.ts';
import { accessOf } from '../../../../src/rootfs/open-store.ts';
import { lacks } from '../../../helpers/capabilities.ts';
import { validateLayout, validateStoredImage } from '../../../helpers/image.ts';
import type { ValidImage } from '../../../helpers/image.ts';
import { overwrite } from '../../../helpers/temp-store.ts';
import { openWorkshop } from '../../../helpers/workshop.ts';
import type { Workshop } from '../../../helpers/workshop.ts';
import { collect, openWorkbench, run } from '../workbench.ts';
import type { Workbench } from '../workbench.ts';

let shop: Workshop;
beforeAll(async () => {
  shop = await openWorkshop();
});
afterAll(() => shop[Symbol.asyncDispose]());

const access = (): { store: Workshop['store']; helper: Workbench['helper'] } => ({
  store: shop.store,
  helper: accessOf(shop.store).helper,
});

async function save(...asked: readonly string[]): Promise<Buffer> {
  const images = await selectImages(shop.store, asked, undefined);
  return collect((destination) => saveImages({ ...access(), images, destination }));
}

/** In a store of its own. */
async function loadElsewhere(
  archive: Buffer,
  body: (loaded: LoadedImages, bench: Workbench) => Promise<void>,
): Promise<void> {
  const bench = await openWorkbench();
  try {
    await body(await loadImages({ ...bench, origin: Readable.from([archive]) }), bench);
  } finally {
    await bench[Symbol.asyncDispose]();
  }
}

let unpackedCount = 0;
function unpack(archive: Buffer): { readonly directory: string; readonly images: readonly ValidImage[] } {
  const directory = join(shop.directory, `context-unpacked-${unpackedCount++}`);
  mkdirSync(directory);
  run('tar', ['-x', '-C', directory], { input: archive });
  return { directory, images: validateLayout(directory) };
}

interface DockerEntry {
  readonly Config: string;
  readonly RepoTags: readonly string[] | null;
  readonly Layers: readonly string[];
}

const dockerManifest = (directory: string): readonly DockerEntry[] =>
  JSON.parse(readFileSync(join(directory, 'manifest.json'), 'utf8')) as DockerEntry[];

async function buildAll(): Promise<void> {
  const context = shop.context({
    Dockerfile: `FROM scratch AS files
COPY a /a
COPY a /a
FROM scratch AS none
LABEL a=b
FROM base
COPY --from=files /a /copied
LABEL last=yes
`,
    a: 'content',
  });
  await shop.build(context, { tags: ['app:1', 'app:2', 'registry.example/app'] });
  await shop.build(context, { tags: ['files'], target: 'files' });
  await shop.build(context, { tags: ['none'], target: 'none' });
}

describe('images that were built', () => {
  beforeAll(buildAll);

  test('come back with the same ids, names, configs and layers: on a base, from scratch, a layer twice, no layer', async () => {
    const archive = await save('app', 'files', 'none', 'registry.example/app');
    await loadElsewhere(archive, async ({ images }, bench) => {
      const found = await Promise.all(['app:1', 'files', 'none'].map((name) => shop.store.findImage(name)));
      expect(images.map(({ image }) => image.id)).toEqual(found.map((each) => each?.image.id));
      expect(images.map(({ names }) => names)).toEqual([
        ['docker.io/library/app:1', 'docker.io/library/app:2', 'registry.example/app:latest'],
        ['docker.io/library/files:latest'],
        ['docker.io/library/none:latest'],
      ]);
      for (const { image } of images) await validateStoredImage(bench.store, image);
      const again = await collect(async (destination) => saveImages({ ...bench, images, destination }));
      // What arrived as this archive's blobs leaves as them.
      expect(digestOf(again)).toBe(digestOf(archive));
    });
  });

  test('are an OCI layout and a docker-archive in one, every blob with a reason', async () => {
    const { directory, images } = unpack(await save('app', 'none'));
    expect(readdirSync(directory).toSorted()).toEqual([
      'blobs',
      'index.json',
      'manifest.json',
      'oci-layout',
      'repositories',
    ]);
    expect(images.map(({ names }) => names[0])).toEqual([
      'docker.io/library/app:1',
      'docker.io/library/app:2',
      'docker.io/library/none:latest',
    ]);
    const [app, none] = dockerManifest(directory);
    expect([app?.RepoTags, none?.RepoTags, none?.Layers]).toEqual([['app:1', 'app:2'], ['none:latest'], []]);
    expect(app?.Config).toBe(`blobs/sha256/${images[0]?.manifest.config.digest.slice(7)}`);
    expect(app?.Layers).toEqual(images[0]?.manifest.layers.map(({ digest }) => `blobs/sha256/${digest.slice(7)}`));
    const tags = JSON.parse(readFileSync(join(directory, 'repositories'), 'utf8')) as Record<string, object>;
    const top = images[0]?.manifest.layers.at(-1)?.digest.slice(7);
    expect(tags).toEqual({ app: { 1: top, 2: top } });
  });

  test('have the layers that steps made as plain tars: nothing was compressed for it', async () => {
    const { images } = unpack(await save('files'));
    const [image] = images;
    expect(image?.manifest.layers.map(({ mediaType }) => mediaType)).toEqual([
      'application/vnd.oci.image.layer.v1.tar',
      'application/vnd.oci.image.layer.v1.tar',
    ]);
    expect(image?.manifest.layers.map(({ digest }) => digest)).toEqual(image?.config.rootfs.diff_ids);
    expect((await shop.store.findImage('files'))?.image.manifest).toBeUndefined();
  });

  test('always give the same bytes', async () => {
    expect(digestOf(await save('app', 'files'))).toBe(digestOf(await save('app:1', 'app:2', 'files:latest')));
  });

  test('without a name have none', async () => {
    const id = (await shop.store.findImage('files'))?.image.id ?? '';
    const { directory, images } = unpack(await save(id.slice(7, 19)));
    expect(images.map(({ names }) => names)).toEqual([[]]);
    expect(dockerManifest(directory).map(({ RepoTags }) => RepoTags)).toEqual([null]);
    expect(readdirSync(directory)).not.toContain('repositories');
  });

  test('keep the manifest under which they were exported before', async () => {
    const context = shop.context({ Dockerfile: 'FROM base\nCOPY f /f\n', f: 'exported' });
    const sink = new PassThrough();
    const exporting = collect(async (destination) => {
      sink.pipe(destination);
      await shop.build(context, { tags: ['exported'], outputs: [{ type: 'oci', destination: sink }] });
    });
    const { images: exported } = unpack(await exporting);
    const { images: saved } = unpack(await save('exported'));
    expect(saved[0]?.descriptor.digest).toBe(exported[0]?.descriptor.digest);
  });

  test.skipIf(lacks('tool:tar'))('load from what another tar makes of the unpacked archive', async () => {
    const { directory } = unpack(await save('app'));
    const packed = run('tar', ['-cz', '-C', directory, '.']);
    const id = (await shop.store.findImage('app:1'))?.image.id;
    await loadElsewhere(packed, async ({ images }) => {
      expect(images.map(({ image }) => image.id)).toEqual([id]);
    });
  });

  test('whose files have changed in the store are not passed on as what they were', async () => {
    const context = shop.context({ Dockerfile: 'FROM scratch\nCOPY f /f\n', f: 'right content' });
    const { image } = await shop.build(context, { tags: ['damaged'] });
    overwrite(join(shop.store.diffDirectory(image.chain[0]?.layer ?? ''), 'f'), Buffer.from('wrong content'));
    await expect(save('damaged')).rejects.toMatchObject({ code: 'TBUILD_STORE_CORRUPT' });
  });

  test('go to --output type=docker with the tags of the build', async () => {
    const context = shop.context({ Dockerfile: 'FROM base\nLABEL for=docker\n' });
    const destination = join(shop.directory, 'context-docker.tar');
    const { image } = await shop.build(context, { tags: ['for-docker:1'], outputs: [{ type: 'docker', destination }] });
    const { directory, images } = unpack(readFileSync(destination));
    expect(images.map(({ names }) => names)).toEqual([['docker.io/library/for-docker:1']]);
    expect(dockerManifest(directory)[0]).toMatchObject({
      Config: `blobs/sha256/${image.id.slice(7)}`,
      RepoTags: ['for-docker:1'],
    });
  });
});

describe('what is asked for', () => {
  test('is a repository with all its tags, a tag, an id, or an error', async () => {
    const select = async (...asked: readonly string[]): Promise<readonly (readonly string[])[]> =>
      (await selectImages(shop.store, asked, undefined)).map(({ names }) => names);
    expect(await select('app')).toEqual([['docker.io/library/app:1', 'docker.io/library/app:2']]);
    expect(await select('app:2', 'app:2')).toEqual([['docker.io/library/app:2']]);
    const id = (await shop.store.findImage('app:1'))?.image.id ?? '';
    expect(await select(id)).toEqual([[]]);
    expect(await select(id, 'app:1')).toEqual([['docker.io/library/app:1']]);
    for (const missing of ['nope', 'app:3', 'registry.example/app:1', 'ap', `sha256:${'0'.repeat(64)}`]) {
      await expect(select('app', missing)).rejects.toMatchObject({ code: 'TBUILD_IMAGE_NOT_FOUND' });
    }
    const s390x = { os: 'linux', architecture: 's390x' };
    await expect(selectImages(shop.store, ['app'], s390x)).rejects.toMatchObject({
      code: 'TBUILD_PLATFORM_MISMATCH',
    });
  });
});
