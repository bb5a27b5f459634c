import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { directory, file } from '../../fixtures/layers/layer-case.ts';
import { tarOf } from '../../fixtures/layers/tar-bytes.ts';
import type { TarRecipe } from '../../fixtures/layers/tar-bytes.ts';
import { importImage } from '../../src/index.ts';
import type { ImageRecord } from '../../src/index.ts';
import type { ListingEntry } from '../../src/store/types.ts';
import { lacks } from '../helpers/capabilities.ts';
import { startRegistry } from '../helpers/registry.ts';
import type { TestRegistry } from '../helpers/registry.ts';
import { openWorkshop } from '../helpers/workshop.ts';
import type { Workshop } from '../helpers/workshop.ts';
import { closeWorkshop } from './leftovers.ts';
import { rootTar } from './routes.ts';

const isRoot = process.getuid?.() === 0;

describe('owners, modes and attributes in an archive', () => {
  let shop: Workshop;
  let registry: TestRegistry;
  beforeAll(async () => {
    shop = await openWorkshop();
    registry = await startRegistry();
  });
  afterAll(async () => {
    await registry[Symbol.asyncDispose]();
    await closeWorkshop(shop);
  });

  const bring = async (...recipes: readonly TarRecipe[]): Promise<ImageRecord> =>
    (await importImage({ store: shop.store, source: Readable.from([tarOf(...recipes)]) })).image;
  const listed = (image: ImageRecord): readonly ListingEntry[] =>
    image.chain.flatMap(({ layer }) => [...shop.store.listing(layer).entries()]);

  /** struct vfs_ns_cap_data: magic with the effective bit, cap_net_bind_service, and a root id for version 3. */
  const capability = (version: number, rootId?: number): Buffer => {
    const data = Buffer.alloc(rootId === undefined ? 20 : 24);
    data.writeUInt32LE(((version << 24) | 1) >>> 0, 0);
    data.writeUInt32LE(1 << 10, 4);
    if (rootId !== undefined) data.writeUInt32LE(rootId, 20);
    return data;
  };
  const withXattr = (name: string, value: Buffer | string): TarRecipe => ({
    ...file('f'),
    mode: 0o755,
    pax: { [`SCHILY.xattr.${name}`]: value },
  });

  it('keep a file capability, without the root id that bound it to another namespace', async () => {
    const plain = listed(await bring(withXattr('security.capability', capability(2))));
    expect(plain[0]?.xattrs).toEqual({ 'security.capability': capability(2).toString('hex') });
    for (const rootId of [0, 1000, 2 ** 31, 2 ** 32 - 1]) {
      const bound = listed(await bring(withXattr('security.capability', capability(3, rootId))));
      expect(bound[0]?.xattrs).toEqual(plain[0]?.xattrs);
    }
  });

  it.each([
    ['four bytes', capability(2).subarray(0, 4)],
    ['too many bytes', Buffer.concat([capability(3, 0), Buffer.alloc(8)])],
    ['an unknown version', capability(9)],
  ])('are refused when a file capability is malformed: %s', async (_title, value) => {
    await expect(bring(withXattr('security.capability', value))).rejects.toMatchObject({
      code: expect.stringMatching(/^TBUILD_(IO|ARCHIVE)$/) as string,
    });
  });

  it('lose labels of security modules and marks of overlayfs', async () => {
    for (const name of ['security.selinux', 'security.ima', 'trusted.overlay.opaque', 'trusted.x', 'system.nfs4_acl']) {
      expect(listed(await bring(withXattr(name, 'y')))[0]?.xattrs, name).toEqual({});
    }
  });

  it.skipIf(lacks('user-namespaces', 'overlay'))("do not hide what is below by overlayfs' own attributes", async () => {
    const marks = ['opaque', 'redirect', 'metacopy', 'whiteout', 'origin'].map((name) => `user.overlay.${name}`);
    const pax = Object.fromEntries(
      marks.map((name) => [`SCHILY.xattr.${name}`, name.endsWith('redirect') ? '/bin' : 'y']),
    );
    const marked = tarOf(
      { ...directory('data'), pax },
      { ...file('data/file'), pax },
      { ...file('data/empty', ''), pax },
    );
    const base = await shop.build(
      shop.context({ Dockerfile: 'FROM base\nCOPY kept /data/\nRUN true\n', 'kept/below': 'x' }),
    );
    registry.putImage('hostile/marked:1', {
      layers: [await rootTar(shop, base.image), marked],
      config: { Env: ['PATH=/bin'] },
    });
    const context = shop.context({
      Dockerfile: `FROM ${registry.host}/hostile/marked:1 AS all\nRUN ls /data; cat /data/file\nFROM scratch\nCOPY --from=all /data /data\n`,
    });
    const { output, image } = await shop.build(context);
    expect(output).toContain('below');
    expect(listed(image).map(({ path }) => path)).toEqual(['data', 'data/below', 'data/empty', 'data/file']);
  });

  it.each([
    { uid: 2 ** 31, gid: 0 },
    { uid: 0, gid: 2 ** 31 },
    { uid: 2 ** 32 - 2, gid: 2 ** 32 - 2 },
    { uid: 0x0fff_ffff, gid: 0 },
  ])('are kept or refused when ids are huge, never cut to others: $uid:$gid', async ({ uid, gid }) => {
    const bringing = bring({ ...file('f'), mode: 0o4755, pax: { uid: String(uid), gid: String(gid) } });
    if (isRoot) expect(listed(await bringing)[0]).toMatchObject({ uid, gid, mode: 0o4755 });
    else await expect(bringing).rejects.toMatchObject({ code: 'TBUILD_CHOWN' });
  });

  it.skipIf(lacks('user-namespaces', 'overlay'))('with ids that no sandbox has give a command nothing', async () => {
    if (!isRoot) return;
    const tar = tarOf({ ...file('foreign', 'secret'), mode: 0o600, pax: { uid: '3000000000', gid: '3000000000' } });
    const context = shop.context({
      Dockerfile: 'FROM base\nADD foreign.tar /\nRUN cat /foreign || echo refused\n',
      'foreign.tar': tar,
    });
    expect((await shop.build(context)).output).toContain('refused');
  });
});
