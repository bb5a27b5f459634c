import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { file } from '../../fixtures/layers/layer-case.ts';
import { tarOf } from '../../fixtures/layers/tar-bytes.ts';
import { importImage, inspect, isTbuildError, runImage, tagImage } from '../../src/index.ts';
import { startRegistry } from '../helpers/registry.ts';
import { openWorkshop } from '../helpers/workshop.ts';
import type { Workshop } from '../helpers/workshop.ts';
import { closeWorkshop } from './leftovers.ts';
import { plantCanary } from './canary.ts';
import type { Canary } from './canary.ts';

const digits = 'a'.repeat(64);

describe('names that lead somewhere else', () => {
  let shop: Workshop;
  let canary: Canary;
  beforeAll(async () => {
    shop = await openWorkshop();
    canary = plantCanary();
  });
  afterAll(async () => {
    canary.expectUntouched();
    canary[Symbol.dispose]();
    await closeWorkshop(shop);
  });

  const hostile = [
    '../../x',
    '../../../../tmp/x',
    '/etc/passwd',
    'a/../../x',
    'x:../../y',
    'x:..',
    '..',
    '.',
    'x@../../y',
    `x@sha256:../../${digits.slice(6)}`,
    `sha256:../../${digits.slice(6)}`,
    'x\0y',
    'x\ny',
    'x y',
    '-x',
    '--privileged',
    'x:-y',
    `x:${'t'.repeat(200)}`,
    `${'x/'.repeat(200)}y`,
    '%2e%2e/x',
    '\u{202e}x',
    'CON/..',
    '',
  ];

  it.each(hostile)('are refused as a tag: %j', async (name) => {
    const context = shop.context({ Dockerfile: 'FROM base\nLABEL a=b\n' });
    await expect(shop.build(context, { tags: [name] })).rejects.toMatchObject({ code: 'TBUILD_REFERENCE' });
    await expect(tagImage(shop.store, 'base', name)).rejects.toMatchObject({ code: 'TBUILD_REFERENCE' });
    const source = Readable.from([tarOf(file('a'))]);
    await expect(importImage({ store: shop.store, source, name })).rejects.toMatchObject({ code: 'TBUILD_REFERENCE' });
  });

  it.each(hostile)('find no image, container or stage: %j', async (name) => {
    const code = expect.stringMatching(
      /^TBUILD_(REFERENCE|IMAGE_NOT_FOUND|DOCKERFILE_SYNTAX|STAGE_NOT_FOUND|EXPANSION|REGISTRY.*|USAGE)$/,
    ) as string;
    await expect(inspect(shop.store, name)).rejects.toMatchObject({ code });
    await expect(runImage({ store: shop.store, image: name, onOutput: () => undefined })).rejects.toMatchObject({
      code,
    });
    const target = shop.context({ Dockerfile: 'FROM base AS a\n' });
    if (name !== '') await expect(shop.build(target, { target: name })).rejects.toMatchObject({ code });
    if (/[\n ]/.test(name) || name === '') return;
    const from = shop.context({ Dockerfile: `FROM base\nCOPY --from=${name} /a /a\n` });
    await expect(shop.build(from)).rejects.toMatchObject({ code });
  });

  it.each(['../../x', 'a/b', '..', '-x', 'a b', 'x\0y', `${'s'.repeat(5000)}`])(
    'are refused as a stage or stay inside: %j',
    async (name) => {
      const context = shop.context({ Dockerfile: `FROM base AS ${name}\nLABEL a=b\n` });
      const outcome = await shop.build(context).then(
        () => 'built',
        (error: unknown) => (isTbuildError(error) ? error.code : String(error)),
      );
      expect(outcome).toMatch(/^(built|TBUILD_DOCKERFILE_SYNTAX)$/);
    },
  );

  it.each(['../x', '/abs', '', '.', 'a\0b', 'a\nb'])('are harmless as a named context: %j', async (name) => {
    const context = shop.context({ Dockerfile: 'FROM base\nCOPY a /a\n', a: 'x' });
    const outcome = await shop.build(context, { buildContexts: { [name]: canary.directory } }).then(
      () => 'built',
      (error: unknown) => (isTbuildError(error) ? error.code : String(error)),
    );
    expect(outcome).toMatch(/^(built|TBUILD_USAGE)$/);
  });

  it.each([
    'docker-image://../../x',
    'docker-image://-x',
    'oci-layout://',
    'oci-layout://@sha256:x',
    'https://example.invalid/x',
    'git@example.invalid:x',
    'file:///etc',
    '/etc/passwd',
    '\0',
  ])('are refused as the source of a named context: %j', async (source) => {
    const context = shop.context({ Dockerfile: 'FROM named\nLABEL a=b\n' });
    await expect(shop.build(context, { buildContexts: { named: source } })).rejects.toMatchObject({
      code: expect.stringMatching(/^TBUILD_(REFERENCE|MANIFEST|DOWNLOAD|GIT|CONTEXT|USAGE|REGISTRY.*)$/) as string,
    });
  });

  it('in the digests of a manifest or config become no path', async () => {
    await using registry = await startRegistry();
    const bad = [
      'sha256:../../../../etc/passwd',
      `sha256:${'A'.repeat(64)}`,
      `md5:${digits}`,
      'sha256:',
      `../${digits}`,
    ];
    for (const [index, digest] of bad.entries()) {
      const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest, size: 1 };
      registry.putImage(`hostile/layer:${index}`, { layers: [], manifest: { layers: [layer] } });
      registry.putImage(`hostile/config:${index}`, {
        layers: [],
        manifest: { config: { ...layer, mediaType: 'application/vnd.oci.image.config.v1+json' } },
      });
      registry.putImage(`hostile/diffid:${index}`, {
        layers: [],
        imageConfig: { rootfs: { type: 'layers', diff_ids: [digest] } },
      });
      for (const kind of ['layer', 'config', 'diffid']) {
        const context = shop.context({ Dockerfile: `FROM ${registry.host}/hostile/${kind}:${index}\nLABEL a=b\n` });
        await expect(shop.build(context), `${kind} ${digest}`).rejects.toMatchObject({
          code: expect.stringMatching(/^TBUILD_(MANIFEST|UNSUPPORTED)$/) as string,
        });
      }
    }
    expect(registry.requests.filter(({ path }) => path.includes('..'))).toEqual([]);
  });

  it('in labels, variables and history are data, wherever they are shown', async () => {
    const nasty = '$(touch /tmp/never) `id` \u001b]0;x\u0007 ../../x';
    const context = shop.context({ Dockerfile: 'FROM base\nLABEL a=b\n' });
    await shop.build(context, { labels: { [nasty]: nasty, __proto__x: 'y' }, tags: ['labelled'] });
    expect(JSON.stringify(await inspect(shop.store, 'labelled'))).toContain('touch /tmp/never');
    expect(existsSync('/tmp/never')).toBe(false);
    expect(existsSync(join(shop.directory, 'x'))).toBe(false);
  });
});
