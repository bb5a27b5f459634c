import { describe, expect, test } from 'vitest';
import { exportOci } from '../../../src/image/export-oci.ts';
import { importImage } from '../../../src/image/import.ts';
import { tarHeader } from '../../../src/image/tar-header.ts';
import { lacks } from '../../helpers/capabilities.ts';
import { validateStoredImage } from '../../helpers/image.ts';
import { listingEntries } from '../../helpers/temp-store.ts';
import type { LayerSpec } from '../../helpers/temp-store.ts';
import { bytes, collect, openWorkbench } from './workbench.ts';

/** A tar that only root could make from files. */
function archive(spec: LayerSpec): Buffer {
  const entries = listingEntries(spec).map((entry) =>
    tarHeader({ entry, name: Buffer.from(entry.path), mtime: 1_600_000_000, linkTo: undefined }),
  );
  return Buffer.concat([...entries, Buffer.alloc(1024)]);
}

describe.skipIf(lacks('ordinary-user', 'id-ranges'))('an ordinary user', () => {
  test('imports a root file system: owners are kept, device nodes left out and named, the exported bytes complete', async () => {
    const bench = await openWorkbench();
    try {
      const tar = archive({
        dev: { type: 'directory' },
        'dev/null': { type: 'character', device: { major: 1, minor: 3 }, mode: 0o666 },
        'dev/sda': { type: 'block', device: { major: 8, minor: 0 } },
        home: { type: 'directory', uid: 1000, gid: 1000, mode: 0o700 },
        'home/.profile': { content: '', uid: 1000, gid: 1000 },
      });
      const { image, omissions } = await importImage({ ...bench, source: bytes(tar), name: 'base', changes: [] });
      expect(omissions).toEqual([
        { path: 'dev/null', what: 'device', detail: 'c 1:3' },
        { path: 'dev/sda', what: 'device', detail: 'b 8:0' },
      ]);
      await validateStoredImage(bench.store, image);
      const listing = bench.store.listing(image.chain[0]?.layer ?? '');
      expect([...listing.entries()].map(({ path, uid, gid }) => [path, uid, gid])).toEqual([
        ['dev', 0, 0],
        ['home', 1000, 1000],
        ['home/.profile', 1000, 1000],
      ]);
      expect((await bench.store.layerInfo(listing.id))?.omitted).toEqual(['dev/null (c 1:3)', 'dev/sda (b 8:0)']);
      const exported = await collect((destination) => exportOci({ ...bench, image, names: [], destination }));
      expect(exported.includes(tar)).toBe(true);
    } finally {
      await bench[Symbol.asyncDispose]();
    }
  });
});
