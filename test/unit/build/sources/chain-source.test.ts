import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { chainSource } from '../../../../src/build/sources/chain-source.ts';
import type { SourceSet } from '../../../../src/build/transfer/source.ts';
import type { Store } from '../../../../src/store/types.ts';
import { commitLayer, sha256, tempStore } from '../../../helpers/temp-store.ts';
import type { LayerSpec, TempStore } from '../../../helpers/temp-store.ts';

const directory = { type: 'directory' } as const;
const whiteout = { type: 'whiteout' } as const;
const link = (target: string): { type: 'symlink'; link: string } => ({ type: 'symlink', link: target });
const plain = { exclude: [], parents: false, chmod: undefined, setsOwner: false, as: 'copied' as const };
const span = { file: 'Dockerfile', line: 3, column: 1, endLine: 3, endColumn: 9 };

let stores: TempStore;
let store: Store;
beforeEach(async () => {
  stores = tempStore();
  store = await stores.open();
});
afterEach(() => stores[Symbol.asyncDispose]());

interface Opened {
  readonly select: () => Promise<SourceSet>;
  readonly digest: () => Promise<string>;
  readonly text: () => Promise<string>;
}

async function open(layers: readonly LayerSpec[], ...sources: string[]): Promise<Opened> {
  const chain = [];
  for (const layer of layers) chain.push(await commitLayer(store, layer));
  const source = chainSource(store, chain, { ...plain, origin: 'stage one', sources, span });
  return { ...source, text: async () => source.describe(await source.select()) };
}

const shown = ({ items }: SourceSet): readonly (readonly [string, readonly string[]])[] =>
  items.map(({ name, entries }) => [name, entries.map(({ path, type }) => `${type} ${path}`)] as const);

const tree: LayerSpec = {
  d: directory,
  'd/a': 'a',
  'd/b': 'b',
  'd/sub': directory,
  'd/sub/c': 'c',
  'd/to-a': link('a'),
  linked: link('/d/sub'),
  'x[1]': 'bracket',
};

describe('files of another stage', () => {
  test('are selected with all that is below, parents first; links in a directory stay links', async () => {
    expect(shown(await (await open([tree], '/d')).select())).toEqual([
      ['d', ['directory ', 'file a', 'file b', 'directory sub', 'file sub/c', 'symlink to-a']],
    ]);
  });

  test.each([
    ['/linked', [['linked', ['directory ', 'file c']]]],
    ['/d/to-a', [['to-a', ['file ']]]],
    ['linked/../a', [['a', ['file ']]]],
    ['../../d/./a/', [['a', ['file ']]]],
    [
      '/d/*',
      [
        ['a', ['file ']],
        ['b', ['file ']],
        ['sub', ['directory ', 'file c']],
        ['to-a', ['file ']],
      ],
    ],
    [
      '/*/[ab]',
      [
        ['a', ['file ']],
        ['b', ['file ']],
      ],
    ],
    // As docker: a link before the first wildcard is followed, and one that the last component matches, but none between.
    ['/lin*/?', []],
    ['/lin*', [['linked', ['directory ', 'file c']]]],
    ['/d/z*', []],
    ['/x[[]1]', [['x[1]', ['file ']]]],
  ])('%s names what it names inside that root', async (source, expected) => {
    // `..` is taken away before links are followed, as docker does.
    const layers = source.startsWith('linked/..') ? [{ ...tree, a: 'top' }] : [tree];
    expect(shown(await (await open(layers, source)).select())).toEqual(expected);
  });

  test('what is not there is an error with the place, unless it is a wildcard', async () => {
    const source = await open([tree], '/missing');
    await expect((async () => source.select())()).rejects.toMatchObject({
      code: 'TBUILD_SOURCE_NOT_FOUND',
      message: '"/missing" is not in stage one',
      span,
    });
  });

  test.each([
    ['/linkd', 'did you mean /linked?'],
    ['/d/sbu/c', 'did you mean /d/sub?'],
    ['/d/sub/c/below', 'check the path; it is relative to the root of that file system'],
    ['/other', 'check the path; it is relative to the root of that file system'],
  ])('for %s the error says: %s', async (path, hint) => {
    const source = await open([tree], path);
    await expect((async () => source.select())()).rejects.toMatchObject({ code: 'TBUILD_SOURCE_NOT_FOUND', hint });
  });

  test('come from the layer that shows them', async () => {
    const set = await (
      await open([tree, { d: { ...directory, parent: true }, 'd/a': 'new', 'd/b': whiteout }], '/d')
    ).select();
    const contents = set.items[0]?.entries.flatMap((entry) =>
      entry.type === 'file' ? [[entry.path, entry.content]] : [],
    );
    expect(contents).toEqual([
      ['a', { kind: 'copy', source: 0, path: 'd/a', sha256: sha256('new') }],
      ['sub/c', { kind: 'copy', source: 1, path: 'd/sub/c', sha256: sha256('c') }],
    ]);
    expect(set.roots).toHaveLength(2);
  });

  test('a directory that a later step only passed through has the time of the layer below', async () => {
    const passed = { d: { ...directory, parent: true }, 'd/new': 'n' };
    const { items } = await (await open([{ d: { ...directory, mtime: 1234 } }, passed], '/d')).select();
    expect(items[0]?.entries[0]).toMatchObject({ path: '', mtime: 1234 });
  });

  test('hard links among them stay so; the first one that is selected carries the content', async () => {
    const layer = {
      d: directory,
      'd/b': { content: 'x' },
      'd/c': { content: 'x', hard: 'd/b' },
      e: { content: 'x', hard: 'd/b' },
    };
    const { items } = await (await open([layer], '/d', '/e')).select();
    expect(items[0]?.entries.slice(1)).toMatchObject([
      { path: 'b', hardlink: undefined },
      { path: 'c', hardlink: 'b' },
    ]);
    expect(items[1]?.entries).toMatchObject([{ path: '', hardlink: undefined }]);
  });
});

describe('their digest', () => {
  const digestOf = async (layers: readonly LayerSpec[], ...sources: string[]): Promise<string> =>
    (await open(layers, ...sources)).digest();

  test('is of paths, types, modes, owners, contents and links: not of times, nor of how many layers hold them', async () => {
    const base = await digestOf([{ d: directory, 'd/a': 'a' }], '/d');
    expect(await digestOf([{ d: { ...directory, mtime: 1 }, 'd/a': { content: 'a', mtime: 2 } }], '/d')).toBe(base);
    expect(
      await digestOf(
        [
          { other: 'x', d: directory },
          { d: { ...directory, parent: true }, 'd/a': 'a' },
        ],
        '/d',
      ),
    ).toBe(base);
    const others: readonly LayerSpec[] = [
      { d: directory, 'd/a': 'A' },
      { d: directory, 'd/b': 'a' },
      { d: directory, 'd/a': { content: 'a', mode: 0o600 } },
      { d: directory, 'd/a': { content: 'a', uid: 1 } },
      { d: directory, 'd/a': { content: 'a', xattrs: { 'user.x': '00' } } },
      { d: { ...directory, gid: 1 }, 'd/a': 'a' },
      { d: directory, 'd/a': link('a') },
    ];
    for (const other of others) expect(await digestOf([other], '/d')).not.toBe(base);
  });

  test('is of the name of a file, which becomes part of a path, but not of that of a directory', async () => {
    const layer = { d: directory, 'd/a': 'a', e: directory, 'e/a': 'a', one: 'x', two: 'x' };
    expect(await digestOf([layer], '/d')).toBe(await digestOf([layer], '/e'));
    expect(await digestOf([layer], '/one')).not.toBe(await digestOf([layer], '/two'));
  });

  test('is remembered: a second time no listing is opened', async () => {
    const chain = [await commitLayer(store, tree)];
    const request = { ...plain, origin: 'x', sources: ['/d'], span };
    const first = await chainSource(store, chain, request).digest();
    const blind: Store = {
      ...store,
      listing() {
        throw new Error('a listing was opened');
      },
    };
    expect(await chainSource(blind, chain, request).digest()).toBe(first);
    await expect(chainSource(blind, chain, { ...request, sources: ['/d/a'] }).digest()).rejects.toThrow('was opened');
  });
});

test('the description for people has one line an entry, with owners', async () => {
  expect(await (await open([tree], '/d/sub')).text()).toBe(
    `d/sub d 755 0:0 \nd/sub/c f 644 sha256=${sha256('c')} 0:0 \n`,
  );
});

test('a layer that is not what its listing says is a damaged store', async () => {
  const chain = [await commitLayer(store, tree)];
  const source = chainSource(store, chain, { ...plain, origin: 'x', sources: ['/d'], span });
  const set = await source.select();
  expect(() => source.withChanges(set, [{ root: 0, path: 'd/a', sha256: 'x', size: 1 }])).toThrow(
    expect.objectContaining({ code: 'TBUILD_STORE_CORRUPT' }),
  );
});
