import { chmodSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../helpers/capabilities.ts';
import { openWorkshop } from '../helpers/workshop.ts';
import type { Workshop } from '../helpers/workshop.ts';
import type { Tree } from '../helpers/tree.ts';
import type { ListingEntry } from '../../src/store/types.ts';
import type { ImageRecord } from '../../src/index.ts';
import { closeWorkshop } from './leftovers.ts';
import { compileAttacker } from './attacker.ts';

describe.skipIf(lacks('user-namespaces', 'overlay'))('what a hostile command leaves', () => {
  let shop: Workshop;
  const program = compileAttacker();
  beforeAll(async () => {
    shop = await openWorkshop();
  });
  afterAll(async () => {
    await closeWorkshop(shop);
  });

  const contextWith = (lines: string, files: Tree = {}): string => {
    const context = shop.context({ Dockerfile: `FROM base AS first\nCOPY attacker /bin/\n${lines}\n`, ...files });
    writeFileSync(join(context, 'attacker'), program);
    chmodSync(join(context, 'attacker'), 0o755);
    return context;
  };
  const topLayer = (image: ImageRecord): readonly ListingEntry[] => {
    const [top] = image.chain.slice(-1);
    return top === undefined ? [] : [...shop.store.listing(top.layer).entries()];
  };

  it('arrives as it is, name by name, when the next stage copies it', async () => {
    const left = (await shop.build(contextWith('RUN attacker debris'))).image;
    const copied = (
      await shop.build(contextWith('RUN attacker debris\nFROM scratch\nCOPY --from=first /debris /debris'))
    ).image;
    const shown = (image: ImageRecord): readonly string[] =>
      topLayer(image)
        .filter(({ path }) => path.startsWith('debris/'))
        .map(({ path, type, mode, size, sha256, link, hard }) =>
          JSON.stringify([path, type, mode.toString(8), size, sha256?.slice(0, 8), link, hard]),
        );
    expect(shown(left)).toEqual(shown(copied));
    const names = topLayer(left).map(({ path }) => path);
    expect(names).toContain('debris/a\udcff\udcfe');
    expect(names).toContain('debris/line\nbreak \'quote" \\x');
    expect(names).not.toContain('debris/socket');
    expect(topLayer(left).find(({ path }) => path === 'debris/out')?.link).toBe('../../../../../../etc/passwd');
    expect(topLayer(left).find(({ path }) => path === 'debris/two/g')).toMatchObject({
      hard: 'debris/one/f',
      mode: 0o4755,
    });
    expect(topLayer(left).find(({ path }) => path === 'debris/sparse')?.size).toBe(256 * 2 ** 20);
  });

  it("is never taken for overlayfs' own marks", async () => {
    const context = contextWith(
      'COPY kept /data/\nRUN attacker mark /data; touch /data/new\nRUN ls /data\nFROM scratch\nCOPY --from=first /data /data',
      { 'kept/secret': 'x' },
    );
    const built = await shop.build(context);
    expect(built.output).toContain('secret');
    const { image } = await shop.build(context, { target: 'first' });
    const data = image.chain.flatMap(({ layer }) => [...shop.store.listing(layer).entries()]);
    expect(data.filter(({ opaque }) => opaque)).toEqual([]);
    expect(topLayer(built.image).map(({ path, type }) => `${type} ${path}`)).toEqual([
      'directory data',
      'file data/new',
      'file data/secret',
    ]);
  });

  it('may be a deep tree, but none that no program could open, and that goes away again', async () => {
    const { image } = await shop.build(contextWith('RUN attacker deep 19'));
    expect(topLayer(image).at(-1)?.path.length).toBe(19 * 201 + 4);
    const tooDeep = shop.build(contextWith('RUN attacker deep 40'));
    await expect(tooDeep).rejects.toMatchObject({ code: 'TBUILD_LAYER' });
  });

  it('is out of reach for everybody else on this machine, set-user-ID programs above all', async () => {
    await shop.build(contextWith('RUN cat /bin/sh > /bin/super && chmod 4755 /bin/super'));
    for (const directory of ['', 'layers', 'tmp', 'blobs/sha256', 'mounts', 'records', 'contexts', 'leases']) {
      expect(statSync(join(shop.store.root, directory)).mode & 0o077, directory).toBe(0);
    }
  });

  it('is only what it was given: no variable of the builder is in its environment', async () => {
    process.env['TBUILD_HOSTILE_SECRET'] = 'CANARY-secret';
    try {
      const context = contextWith('ARG GIVEN=1\nENV SHOWN=2\nRUN env; cat /proc/*/environ; echo');
      const { output } = await shop.build(context, { noCache: true });
      expect(output).not.toContain('CANARY');
      const variables = output.split(/[\n\0]/).filter((line) => line.includes('='));
      expect([...new Set(variables)].toSorted()).toEqual(['GIVEN=1', 'HOME=/root', 'PATH=/bin', 'SHOWN=2']);
    } finally {
      delete process.env['TBUILD_HOSTILE_SECRET'];
    }
  });
});
