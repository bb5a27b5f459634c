import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mergedView } from '../../../src/store/merged.ts';
import type { MergedView } from '../../../src/store/merged.ts';
import type { Chain, Listing, ListingEntry } from '../../../src/store/types.ts';
import { commitLayer, listingEntries, tempStore } from '../../helpers/temp-store.ts';
import type { LayerSpec } from '../../helpers/temp-store.ts';

const directory = { type: 'directory' } as const;
const whiteout = { type: 'whiteout' } as const;
const link = (target: string): { type: 'symlink'; link: string } => ({ type: 'symlink', link: target });

describe('mergedView of a stored chain', () => {
  test('shows the topmost entry under whiteouts and opaque directories', async () => {
    await using temp = tempStore();
    const store = await temp.open();
    const chain = [
      await commitLayer(store, { a: directory, 'a/one': '1', 'a/two': '2', b: directory, 'b/x': 'x', c: 'file' }),
      await commitLayer(store, { a: directory, 'a/one': whiteout, b: { ...directory, opaque: true }, 'b/y': 'y' }),
    ];
    const view = mergedView(chain, store.listing);
    expect(namesIn(view, 'a')).toEqual(['a/two']);
    expect(namesIn(view, 'b')).toEqual(['b/y']);
    expect(view.find('a/one')).toBeUndefined();
    expect(view.find('b/x')).toBeUndefined();
    expect(view.layerOf('a/two')).toBe(chain[0]?.layer);
    expect(view.layerOf('b')).toBe(chain[1]?.layer);
  });
});

describe('mergedView', () => {
  test('a root that no layer lists is a directory 0755 of root', () => {
    expect(viewOf([{ a: 'x' }]).find('')).toMatchObject({ type: 'directory', mode: 0o755, uid: 0, gid: 0 });
    expect(viewOf([]).find('')).toMatchObject({ path: '', type: 'directory', mode: 0o755 });
    expect(viewOf([]).children('')).toEqual([]);
  });

  test('a root that a layer lists has the attributes of the topmost such layer', () => {
    const view = viewOf([{ '': { ...directory, mode: 0o700 } }, { '': { ...directory, mode: 0o711 } }, { a: 'x' }]);
    expect(view.find('')).toMatchObject({ mode: 0o711 });
  });

  test('a directory that an upper layer only passes through has the attributes listed there', () => {
    const view = viewOf([
      { etc: { ...directory, mode: 0o700 } },
      { etc: { ...directory, mode: 0o755, parent: true }, 'etc/x': 'x' },
    ]);
    expect(view.find('etc')).toMatchObject({ mode: 0o755, parent: true });
  });

  test('a file in place of a directory hides everything below it, also from layers above it', () => {
    const view = viewOf([{ a: directory, 'a/x': 'old' }, { a: 'file' }, { a: directory, 'a/y': 'new' }]);
    expect(namesIn(view, 'a')).toEqual(['a/y']);
    expect(view.find('a/x')).toBeUndefined();
  });

  test('names with bytes that are escaped in listings are found and sorted by their bytes', () => {
    const names = ['a b', 'a%20b', 'a\udcff', 'a!', 'ä', 'z'];
    const view = viewOf([Object.fromEntries(names.map((name) => [name, 'x']))]);
    expect(namesIn(view, '')).toEqual(['a b', 'a!', 'a%20b', 'a\udcff', 'z', 'ä']);
    for (const name of names) expect(view.find(name)?.path).toBe(name);
  });

  test('agrees with applying the layers one after the other, for any layers', () => {
    fc.assert(
      fc.property(fc.array(layerSpec, { maxLength: 4 }), (layers) => {
        const model = applyLayers(layers);
        const view = viewOf(layers);
        for (const path of allPaths) {
          expect([path, shown(view.find(path))]).toEqual([path, shown(model.get(path))]);
          const below = [...model.keys()].filter((each) => parentOf(each) === path && each !== '');
          expect([path, namesIn(view, path)]).toEqual([path, below.sort()]);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('resolve', () => {
  const view = viewOf([
    {
      usr: directory,
      'usr/bin': directory,
      'usr/bin/sh': 'shell',
      bin: link('usr/bin'),
      abs: link('/usr/bin/sh'),
      up: link('../../../../usr'),
      self: link('self'),
      chain: link('abs'),
      broken: link('missing/below'),
      file: 'text',
    },
  ]);
  const resolve = (path: string, followLast: boolean = true): string => view.resolve(path, { followLast }).path;

  test('walks symlinks inside the root and says which layer holds the end', () => {
    const resolved = view.resolve('/bin/sh', { followLast: true });
    expect(resolved).toMatchObject({ path: 'usr/bin/sh', entry: { type: 'file' }, layer: expect.any(String) });
    expect(resolved.walked.map(({ path }) => path)).toEqual(['', 'bin', 'usr', 'usr/bin', 'usr/bin/sh']);
  });

  test.each([
    ['abs', 'usr/bin/sh'],
    ['chain', 'usr/bin/sh'],
    ['up/bin', 'usr/bin'],
    ['../../etc', 'etc'],
    ['usr/../usr/./bin//sh', 'usr/bin/sh'],
    ['bin/..', 'usr'],
    ['broken', 'missing/below'],
    ['', ''],
    ['/', ''],
  ])('%s leads to %s', (path, expected) => {
    expect(resolve(path)).toBe(expected);
  });

  test('leaves a last symlink alone when asked to, unless a slash follows it', () => {
    expect(resolve('bin', false)).toBe('bin');
    expect(resolve('bin/', false)).toBe('usr/bin');
    expect(resolve('bin/sh', false)).toBe('usr/bin/sh');
  });

  test('missing components stand for themselves, and nothing is below a file', () => {
    expect(view.resolve('bin/new/deep', { followLast: true })).toMatchObject({
      path: 'usr/bin/new/deep',
      entry: undefined,
    });
    expect(view.resolve('file/below', { followLast: true })).toMatchObject({ path: 'file/below', entry: undefined });
  });

  test('gives up after 40 symlinks', () => {
    expect(() => resolve('self')).toThrow(expect.objectContaining({ code: 'TBUILD_COPY' }));
    const links = (count: number): LayerSpec =>
      Object.fromEntries(
        Array.from({ length: count }, (_, index) => [`l${index}`, index + 1 === count ? 'end' : link(`l${index + 1}`)]),
      );
    expect(viewOf([links(41)]).resolve('l0', { followLast: true }).path).toBe('l40');
    expect(() => viewOf([links(42)]).resolve('l0', { followLast: true })).toThrow(/symbolic links/);
  });
});

function viewOf(layers: readonly LayerSpec[]): MergedView {
  const listings = layers.map((spec, index) => memoryListing(String(index), listingEntries(spec)));
  const chain: Chain = listings.map(({ id }) => ({ layer: id, diffId: `sha256:${'0'.repeat(64)}`, state: id }));
  return mergedView(chain, (id) => listings[Number(id)]!);
}

/** The obvious implementation of the interface. */
function memoryListing(id: string, entries: readonly ListingEntry[]): Listing {
  return {
    id,
    find: (path) => entries.find((entry) => entry.path === path),
    children: (path) => entries.filter((entry) => entry.path !== '' && parentOf(entry.path) === path),
    touches: (path) => entries.some((entry) => entry.path === path || entry.path.startsWith(`${path}/`)),
    entries: () => entries,
  };
}

function namesIn(view: MergedView, path: string): string[] {
  return view.children(path).map((entry) => entry.path);
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0));
}

/** Three levels of two names. */
const names = ['a', 'b'];
const deep = names.flatMap((one) => [
  one,
  ...names.flatMap((two) => [`${one}/${two}`, ...names.map((three) => `${one}/${two}/${three}`)]),
]);
const allPaths = ['', ...deep];

/** A layer as overlayfs makes them: every entry's parents are directories of the same layer. */
const layerSpec: fc.Arbitrary<LayerSpec> = fc
  .dictionary(
    fc.constantFrom(...deep),
    fc.oneof(
      fc.constantFrom('x', 'y'),
      fc.record({ type: fc.constant('directory' as const), opaque: fc.boolean(), mode: fc.constantFrom(0o700, 0o755) }),
      fc.constant(whiteout),
    ),
    { maxKeys: 6 },
  )
  .map((given) => {
    const spec: Record<string, LayerSpec[string]> = {};
    for (const path of Object.keys(given).sort()) {
      const parent = spec[parentOf(path)];
      const fits = parentOf(path) === '' || (typeof parent === 'object' && parent.type === 'directory');
      if (fits) spec[path] = given[path]!;
      else if (parent === undefined && hasRoom(spec, path)) {
        for (const each of parentsOf(path)) spec[each] ??= { ...directory, parent: true };
        spec[path] = given[path]!;
      }
    }
    return spec;
  });

function parentsOf(path: string): string[] {
  const parts = path.split('/');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'));
}

function hasRoom(spec: LayerSpec, path: string): boolean {
  return parentsOf(path).every((parent) => {
    const entry = spec[parent];
    return entry === undefined || (typeof entry === 'object' && entry.type === 'directory');
  });
}

/** What a person would do: unpack one layer after the other into a map. */
function applyLayers(layers: readonly LayerSpec[]): Map<string, ListingEntry> {
  const tree = new Map<string, ListingEntry>();
  const removeBelow = (path: string): void => {
    for (const each of tree.keys()) if (each.startsWith(`${path}/`)) tree.delete(each);
  };
  for (const layer of layers) {
    for (const entry of listingEntries(layer)) {
      const isDirectory = entry.type === 'directory';
      if (!isDirectory || entry.opaque || tree.get(entry.path)?.type !== 'directory') removeBelow(entry.path);
      if (entry.type === 'whiteout') tree.delete(entry.path);
      else tree.set(entry.path, entry);
    }
  }
  return tree.set('', viewOf([]).find('')!);
}

function shown(entry: ListingEntry | undefined): unknown {
  return entry && { type: entry.type, mode: entry.mode, sha256: entry.sha256 };
}
