import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { file } from '../../fixtures/layers/layer-case.ts';
import { tarHeader, tarOf } from '../../fixtures/layers/tar-bytes.ts';
import { importImage } from '../../src/index.ts';
import { readTar } from '../../src/tar/read-tar.ts';
import { lacks } from '../helpers/capabilities.ts';
import { startRegistry } from '../helpers/registry.ts';
import { openWorkshop } from '../helpers/workshop.ts';
import type { Workshop } from '../helpers/workshop.ts';
import { closeWorkshop } from './leftovers.ts';
import { endless, greedy } from './greedy-archives.ts';
import { outcomeOf, rootTar, routes } from './routes.ts';

describe('a compressed archive', () => {
  let shop: Workshop;
  beforeAll(async () => {
    shop = await openWorkshop();
  });
  afterAll(async () => {
    await closeWorkshop(shop);
  });

  it.skipIf(lacks('user-namespaces', 'overlay'))('is never given to a program of the image or of PATH', async () => {
    const evil = '#!/bin/sh\necho EVIL > /evil\n';
    const names = ['gzip', 'gunzip', 'unpigz', 'pigz', 'xz', 'unxz', 'bzip2', 'zstd', 'tar', 'git'];
    const archives: Record<string, Buffer> = { 'a.tar.gz': gzipSync(tarOf(file('unpacked-gzip'))) };
    for (const program of ['xz', 'bzip2', 'zstd'].filter((name) => !lacks(`tool:${name}`))) {
      archives[`a.tar.${program}`] = execFileSync(program, ['-c'], { input: tarOf(file(`unpacked-${program}`)) });
    }
    const files = Object.fromEntries(names.map((name) => [`evil/${name}`, evil]));
    const context = shop.context({
      Dockerfile: `FROM base\nCOPY --chmod=755 evil/ /bin/\nCOPY --chmod=755 evil/ /usr/bin/\nADD ${Object.keys(archives).join(' ')} /added/\nRUN ls / /added\n`,
      ...archives,
      ...files,
    });
    const path = process.env['PATH'];
    process.env['PATH'] = `${context}/evil:${path}`;
    try {
      const { output } = await shop.build(context);
      for (const name of Object.keys(archives))
        expect(output).toContain(`unpacked-${name.replace(/.*\.(?:gz$)?/, '') || 'gzip'}`);
      expect(output.split('\n')).not.toContain('evil');
      expect(existsSync('/evil')).toBe(false);
    } finally {
      process.env['PATH'] = path;
    }
  });

  it('with other bytes behind its end is refused, with zeros it is not', async () => {
    const good = gzipSync(tarOf(file('a')));
    const bring = (bytes: Buffer) => importImage({ store: shop.store, source: Readable.from([bytes]) });
    await expect(bring(Buffer.concat([good, Buffer.from('garbage')]))).rejects.toMatchObject({
      code: 'TBUILD_ARCHIVE',
    });
    await expect(bring(good.subarray(0, -5))).rejects.toMatchObject({ code: 'TBUILD_ARCHIVE' });
    expect((await bring(Buffer.concat([good, Buffer.alloc(512)]))).omitted).toEqual([]);
  });

  it.each(['xz', 'bzip2', 'zstd'].filter((program) => !lacks(`tool:${program}`)))(
    'is unpacked by every way in, whatever %s made of it',
    async (program) => {
      const pack = (tar: Buffer): Buffer => execFileSync(program, ['-c'], { input: tar });
      const tar = tarOf(file('a', 'content'));
      await using registry = await startRegistry();
      for (const route of routes.filter(({ takesCompressed }) => takesCompressed)) {
        const names = entriesOf(await rootTar(shop, await route.bring(shop, registry, pack(tar))));
        expect(await names, route.name).toContain(`${route.root}a`);
      }
      const mediaType = `application/vnd.oci.image.layer.v1.tar+${program}`;
      registry.putImage(`packed/${program}:1`, { layers: [tar], packed: { mediaType, pack } });
      const pulled = shop.build(shop.context({ Dockerfile: `FROM ${registry.host}/packed/${program}:1\n` }));
      if (program !== 'zstd') {
        await expect(pulled).rejects.toMatchObject({ code: 'TBUILD_UNSUPPORTED' });
        return;
      }
      expect(await entriesOf(await rootTar(shop, (await pulled).image))).toContain('a');
    },
  );

  it.each(Object.entries(greedy))('that asks for more memory than there should be is refused: %s', async (_, bytes) => {
    await using registry = await startRegistry();
    const before = process.memoryUsage().rss;
    for (const route of routes.filter(({ takesCompressed }) => takesCompressed)) {
      expect(await outcomeOf(route.bring(shop, registry, bytes)), route.name).toBe('TBUILD_UNSUPPORTED');
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * 2 ** 20);
  });

  it.each(Object.entries(endless))('that would keep a decoder busy for ever is refused: %s', async (_, bytes) => {
    await expect(importImage({ store: shop.store, source: Readable.from([bytes]) })).rejects.toMatchObject({
      code: 'TBUILD_ARCHIVE',
    });
  });

  it('that says it holds more than it does ends with an error, not with what was in memory', async () => {
    const lying = Buffer.concat([tarHeader({ ...file('a'), size: 2 ** 33 }, 0), Buffer.alloc(4096, 'x')]);
    await using registry = await startRegistry();
    for (const route of routes) {
      await expect(route.bring(shop, registry, lying), route.name).rejects.toMatchObject({ code: 'TBUILD_ARCHIVE' });
    }
  });

  it('takes no more memory than a small one while it unpacks to a thousand times its size', async () => {
    const zeros = Buffer.alloc(1 << 20);
    const { createGzip } = await import('node:zlib');
    const size = 256 * 2 ** 20;
    const source = Readable.from(
      (function* () {
        yield tarHeader({ ...file('zeros'), size }, 0);
        for (let sent = 0; sent < size; sent += zeros.length) yield zeros;
        yield Buffer.alloc(1024);
      })(),
    ).pipe(createGzip({ level: 9 }));
    const before = process.memoryUsage().rss;
    const { image } = await importImage({ store: shop.store, source });
    expect(image.size).toBe(size);
    expect(process.memoryUsage().rss - before).toBeLessThan(150 * 2 ** 20);
  });
});

async function entriesOf(tar: Buffer): Promise<string[]> {
  const names: string[] = [];
  for await (const { path } of readTar(Readable.from([tar]))) names.push(path);
  return names;
}
