import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { file } from '../../fixtures/layers/layer-case.ts';
import { tarOf } from '../../fixtures/layers/tar-bytes.ts';
import { isTbuildError, listImages, runImage } from '../../src/index.ts';
import { lacks } from '../helpers/capabilities.ts';
import { startRegistry } from '../helpers/registry.ts';
import type { TestRegistry } from '../helpers/registry.ts';
import { openWorkshop } from '../helpers/workshop.ts';
import type { Workshop } from '../helpers/workshop.ts';
import { closeWorkshop } from './leftovers.ts';
import { rootTar } from './routes.ts';

const layer = tarOf(file('innocent'));
const other = tarOf(file('other'));

describe('an image from a registry that lies', () => {
  let shop: Workshop;
  let registry: TestRegistry;
  let count = 0;
  beforeAll(async () => {
    shop = await openWorkshop();
    registry = await startRegistry();
  });
  afterAll(async () => {
    await registry[Symbol.asyncDispose]();
    await closeWorkshop(shop);
  });

  const buildFrom = (name: string, lines = 'LABEL a=b') =>
    shop.build(shop.context({ Dockerfile: `FROM ${registry.host}/${name}\n${lines}\n` }));

  it.each<{ lie: string; code: RegExp; put: (name: string) => void }>([
    {
      lie: 'with a manifest that is an index as well',
      code: /^TBUILD_MANIFEST$/,
      put: (name) => registry.putImage(name, { layers: [layer], manifest: { manifests: [] } }),
    },
    {
      lie: 'with an index announced as a manifest',
      code: /^TBUILD_MANIFEST$/,
      put: (name) =>
        registry.putManifest(
          name,
          Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [] })),
          'application/vnd.oci.image.manifest.v1+json',
        ),
    },
    {
      lie: 'with a layer that is not what the config says',
      code: /^TBUILD_DIGEST_MISMATCH$/,
      put: (name) =>
        registry.putImage(name, {
          layers: [layer],
          imageConfig: { rootfs: { type: 'layers', diff_ids: [`sha256:${'0'.repeat(64)}`] } },
        }),
    },
    {
      lie: 'with fewer layers than the config says',
      code: /^TBUILD_(MANIFEST|DIGEST_MISMATCH)$/,
      put: (name) => registry.putImage(name, { layers: [layer, other], manifest: { layers: [] } }),
    },
    {
      lie: 'with another blob under the digest',
      code: /^TBUILD_DIGEST_MISMATCH$/,
      put: (name) => {
        const tar = tarOf(file(`new-${name}`));
        registry.putImage(name, { layers: [tar], gzip: false });
        const swapped = Buffer.from(tar);
        swapped.write('evil', 512);
        registry.putBlob(swapped, `sha256:${digestHexOf(tar)}`);
      },
    },
  ])('is refused $lie, and leaves neither image nor layer', async ({ code, put }) => {
    const name = `tampered/image${count++}:1`;
    put(name);
    const images = (await listImages(shop.store)).length;
    const layers = readdirSync(join(shop.store.root, 'layers')).length;
    await expect(buildFrom(name)).rejects.toMatchObject({ code: expect.stringMatching(code) as string });
    expect((await listImages(shop.store)).length).toBe(images);
    expect(readdirSync(join(shop.store.root, 'layers')).length).toBe(layers);
  });

  it.skipIf(lacks('user-namespaces', 'overlay')).each([
    { title: 'a relative working directory', config: { WorkingDir: '../../../x' } },
    { title: 'a working directory in /proc', config: { WorkingDir: '/proc/self/fd/7' } },
    { title: 'a working directory of dots', config: { WorkingDir: '/a/../../../../x' } },
    { title: 'variables without a name', config: { Env: ['=x', 'NOEQUALS', '', 'A=1', 'A=2'] } },
    { title: 'a NUL in a variable', config: { Env: ['A=1\0LD_PRELOAD=x'] } },
    { title: 'an empty command', config: { Cmd: [''], Entrypoint: [] } },
    { title: 'an empty shell', config: { Shell: [] } },
    { title: 'a shell that is empty', config: { Shell: [''] } },
    { title: 'a user out of range', config: { User: '4294967296' } },
    { title: 'a trigger that starts another stage', config: { OnBuild: ['FROM scratch'] } },
    { title: 'a trigger of triggers', config: { OnBuild: ['ONBUILD ONBUILD RUN x'] } },
    { title: 'a trigger that is no instruction', config: { OnBuild: ['\0', '<<EOF', ''] } },
    { title: 'volumes over the system', config: { Volumes: { '/proc': {}, '/': {}, '../../x': {} } } },
    { title: 'a negative stop timeout', config: { StopTimeout: -1, StopSignal: '../x' } },
    {
      title: 'a prototype',
      config: JSON.parse('{"__proto__": {"User": "x"}, "Labels": {"__proto__": "x"}}') as object,
    },
  ])('ends with $title in its config in a built image or a coded error', async ({ config }) => {
    const name = `tampered/config${count++}:1`;
    const base = await rootTar(shop, shop.base);
    registry.putImage(name, { layers: [base], config: { Env: ['PATH=/bin'], ...config } });
    const outcomes = [
      buildFrom(name, 'RUN true\nWORKDIR sub\nCOPY --from=base /bin/sh ./sh'),
      buildFrom(name).then(({ image }) =>
        runImage({ store: shop.store, image: image.id, argv: ['true'], remove: true, onOutput: () => undefined }),
      ),
    ].map((running) =>
      running.then(
        () => 'done',
        (error: unknown) => (isTbuildError(error) ? error.code : String(error)),
      ),
    );
    for (const outcome of await Promise.all(outcomes)) expect(outcome).toMatch(/^(done|TBUILD_[A-Z_]+)$/);
  });
});

function digestHexOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
