import { expect, test } from 'vitest';
import { applyChanges } from '../../../src/context/apply-changes.ts';
import { compareDescriptions, describeSelection, digestSelection } from '../../../src/context/describe.ts';
import type { SelectedEntry, SelectedItem, Selection } from '../../../src/context/selection.ts';

type File = Extract<SelectedEntry, { type: 'file' }>;

const sha = (digit: string): string => digit.repeat(64);

function file(path: string, changes: Partial<File> = {}): File {
  return {
    type: 'file',
    path,
    contextPath: path === '' ? 'dir/name' : `dir/${path}`,
    mode: 0o644,
    mtime: 1000,
    xattrs: {},
    size: 3,
    sha256: sha('a'),
    expect: { size: 3n, mtimeNs: 1n, ctimeNs: 2n },
    verify: false,
    hardlink: undefined,
    ...changes,
  };
}

function directory(path: string, changes: Partial<SelectedEntry> = {}): SelectedEntry {
  const entry = { type: 'directory', path, contextPath: `dir/${path}`, mode: 0o755, mtime: 1, xattrs: {} } as const;
  return { ...entry, ...changes } as SelectedEntry;
}

function selectionOf(...items: readonly (readonly [SelectedEntry, ...SelectedEntry[]])[]): Selection {
  const named = items.map((entries): SelectedItem => ({ source: 'dir', name: 'name', entries }));
  return digestSelection({ items: named, skipped: [] }, { chmod: undefined, as: 'copied' });
}

const base = selectionOf([directory(''), file('f')]).digest;

test.each([
  ['modification time', selectionOf([directory(''), file('f', { mtime: 5 })])],
  ['stamps', selectionOf([directory(''), file('f', { expect: { size: 3n, mtimeNs: 7n, ctimeNs: 7n }, verify: true })])],
  ['place in the context', selectionOf([directory(''), file('f', { contextPath: 'elsewhere/f' })])],
  ['attributes of the directory whose contents are copied', selectionOf([directory('', { mode: 0o700 }), file('f')])],
])('the digest does not depend on the %s', (_, selection) => {
  expect(selection.digest).toBe(base);
});

test.each([
  ['content', selectionOf([directory(''), file('f', { sha256: sha('b') })])],
  ['mode', selectionOf([directory(''), file('f', { mode: 0o755 })])],
  ['set-user-ID bit', selectionOf([directory(''), file('f', { mode: 0o4644 })])],
  ['path', selectionOf([directory(''), file('g')])],
  ['number of items', selectionOf([directory(''), file('f')], [directory('')])],
  ['extended attributes', selectionOf([directory(''), file('f', { xattrs: { 'user.x': '00' } })])],
  ['hard links', selectionOf([directory(''), file('f', { hardlink: 'e' })])],
  ['type of the item', selectionOf([file('', { contextPath: 'f' })])],
])('the digest depends on the %s', (_, selection) => {
  expect(selection.digest).not.toBe(base);
});

test('a link and a file whose texts look alike do not share a digest', () => {
  const link = (target: string): Selection =>
    selectionOf([directory(''), { ...directory('l'), type: 'symlink', link: target } as SelectedEntry]);
  const digests = ['x', 'x hard=y', 'x\nf f 644', 'x%20'].map((target) => link(target).digest);
  expect(new Set(digests).size).toBe(4);
});

test('without modes a chmod changes nothing', () => {
  const digests = [0o644, 0o600].map((mode) => {
    const items: SelectedItem[] = [{ source: 's', name: 'n', entries: [directory(''), file('f', { mode })] }];
    return digestSelection({ items, skipped: [] }, { chmod: '755', as: 'copied' }).digest;
  });
  expect(digests[0]).toBe(digests[1]);
});

test('a description has one readable line per entry, named by its place in the context', () => {
  const selection = selectionOf(
    [
      directory(''),
      directory('sub'),
      file('sub/a b'),
      { ...directory('l'), type: 'symlink', link: '../é' } as SelectedEntry,
    ],
    [file('', { mode: 0o4755, xattrs: { 'user.b': '02', 'user.a': '01' } })],
  );
  expect(describeSelection(selection)).toBe(
    `dir/sub d 755\ndir/sub/a%20b f 644 sha256=${sha('a')}\ndir/l l - link=../%C3%A9\n` +
      `dir/name f 4755 sha256=${sha('a')} x:user.a=01 x:user.b=02\n`,
  );
});

test('a comparison names what was added, removed, rewritten and re-moded', () => {
  const before = selectionOf([directory(''), file('gone'), file('é'), file('moded'), file('both'), file('same')]);
  const after = selectionOf([
    directory(''),
    file('é', { sha256: sha('c') }),
    file('moded', { mode: 0o600 }),
    file('both', { mode: 0o600, sha256: sha('c') }),
    file('same'),
    file('new'),
  ]);
  expect(compareDescriptions(describeSelection(before), describeSelection(after))).toEqual({
    added: ['dir/new'],
    removed: ['dir/gone'],
    content: ['dir/é', 'dir/both'],
    mode: ['dir/moded'],
    counts: { added: 1, removed: 1, content: 2, mode: 1 },
  });
});

test('a comparison of very different trees stays short and still counts all', () => {
  const many = Array.from({ length: 500 }, (_, index) => file(`f${index}`));
  const changes = compareDescriptions('', describeSelection(selectionOf([directory(''), ...many])), 20);
  expect(changes.added).toHaveLength(20);
  expect(changes.counts.added).toBe(500);
});

test('changes seen while copying give the digest that the copied content has', () => {
  const copied = applyChanges(selectionOf([directory(''), file('f'), file('g')]), [
    { path: 'dir/g', sha256: sha('d'), size: 9 },
  ]);
  const really = selectionOf([directory(''), file('f'), file('g', { sha256: sha('d'), size: 9 })]);
  expect(copied.digest).toBe(really.digest);
  expect(copied.items[0]?.entries[2]).toMatchObject({ sha256: sha('d'), size: 9 });
});

test('a change that belongs to no selected file is never dropped', () => {
  const selection = selectionOf([directory(''), file('f')]);
  expect(() => applyChanges(selection, [{ path: 'f', sha256: sha('d'), size: 9 }])).toThrow(TypeError);
});
