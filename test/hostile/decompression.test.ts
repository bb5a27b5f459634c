import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { file } from '../../fixtures/layers/layer-case.ts';
import { tarHeader, tarOf } from '../../fixtures/layers/tar-bytes.ts';
import { importImage } from '../../src/index.ts';
import { lacks } from '../helpers/capabilities.ts';
import { startRegistry } from '../helpers/registry.ts';
import { openWorkshop } from '../helpers/workshop.ts';
import type { Workshop } from '../helpers/workshop.ts';
import { closeWorkshop } from './leftovers.ts';
import { routes } from './routes.ts';

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
    const files = Object.fromEntries(names.map((name) => [`evil/${name}`, evil]));
    const context = shop.context({
      Dockerfile:
        'FROM base\nCOPY --chmod=755 evil/ /bin/\nCOPY --chmod=755 evil/ /usr/bin/\nADD a.tar.gz /added/\nRUN ls / /added\n',
      'a.tar.gz': gzipSync(tarOf(file('unpacked'))),
      ...files,
    });
    const path = process.env['PATH'];
    process.env['PATH'] = `${context}/evil:${path}`;
    try {
      const { output } = await shop.build(context);
      expect(output).toContain('unpacked');
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

  it.each(['xz', 'bzip2', 'zstd'])('of a kind that is not read is refused by name: %s', async (program) => {
    if (lacks(`tool:${program}`)) return;
    const bytes = execFileSync(program, ['-c'], { input: tarOf(file('a')) });
    await using registry = await startRegistry();
    for (const route of routes) {
      // The layers of this registry may be gzip as well, which is taken off first.
      const code = route.name === 'a pulled layer' ? /^TBUILD_(UNSUPPORTED|ARCHIVE)$/ : /^TBUILD_UNSUPPORTED$/;
      const refusal = { code: expect.stringMatching(code) as string };
      await expect(route.bring(shop, registry, bytes), route.name).rejects.toMatchObject(refusal);
    }
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
