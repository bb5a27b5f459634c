import { describe, expect, test } from 'vitest';
import { compareImages } from '../../compare/differences.ts';
import type { Config, LoadedImage } from '../../compare/image.ts';
import type { TarEntry } from '../../compare/tar.ts';

const started = 2_000_000_000;

function entry(path: string, fields: Partial<TarEntry> = {}): TarEntry {
  const { type = 'file' } = fields;
  const common = { path, type, mode: 0o644, uid: 0, gid: 0, mtime: 1e9, size: 1, offset: 0, sha256: 'aa' };
  return { ...common, link: '', device: '', xattrs: {}, ...fields };
}

function image(layers: readonly (readonly TarEntry[])[], config: Partial<Config> = {}): LoadedImage {
  return { layers, config: { rootfs: { diff_ids: layers.map(() => '') }, ...config } };
}

function differences(ours: LoadedImage, docker: LoadedImage): string[] {
  return compareImages(ours, docker, started).map(({ area, where, what }) => `${area} ${where} ${what}`);
}

describe('a comparison of two images', () => {
  test.each<[what: string, fields: Partial<TarEntry>]>([
    ['mode', { mode: 0o600 }],
    ['owner', { gid: 7 }],
    ['mtime', { mtime: 5 }],
    ['content', { sha256: 'bb' }],
    ['xattr user.x', { xattrs: { 'user.x': '00' } }],
    ['type', { type: 'fifo' }],
  ])('sees another %s', (what, fields) => {
    const found = differences(image([[entry('f', fields)]]), image([[entry('f')]]));
    expect(found).toContain(`tree /f ${what}`);
  });

  test('sees what is missing, another link, another device', () => {
    const ours = image([
      [entry('l', { type: 'symlink', link: 'a' }), entry('c', { type: 'character', device: '1:3' })],
    ]);
    const docker = image([
      [entry('l', { type: 'symlink', link: 'b' }), entry('c', { type: 'character', device: '1:5' }), entry('more')],
    ]);
    expect(differences(ours, docker)).toEqual(
      expect.arrayContaining(['tree /l target', 'tree /c device', 'tree /more type', 'layer 1:/more change']),
    );
  });

  test('sees hard links that are not the same', () => {
    const linked = [entry('a'), entry('b', { type: 'hardlink', link: 'a' })];
    const found = differences(image([linked]), image([[entry('a'), entry('b')]]));
    expect(found).toEqual(['tree /a hard links', 'tree /b hard links']);
  });

  test('two times of this build are equal', () => {
    const found = differences(image([[entry('f', { mtime: started })]]), image([[entry('f', { mtime: started + 9 })]]));
    expect(found).toEqual([]);
  });

  test('a removal is the same however it is said', () => {
    const below = [entry('d', { type: 'directory' }), entry('d/x'), entry('d/y')];
    const opaque = [entry('d', { type: 'directory' }), entry('d/.wh..wh..opq'), entry('d/y')];
    const named = [entry('d/.wh.x')];
    expect(differences(image([below, opaque]), image([below, named]))).toEqual([]);
    expect(differences(image([below, []]), image([below, named]))).toEqual(['layer 2:/d/x change', 'tree /d/x type']);
  });

  test('a whiteout does not hide what its own layer brings', () => {
    const layers = [[entry('f')], [entry('f', { sha256: 'bb' }), entry('.wh.f')]];
    expect(differences(image(layers), image([[entry('f')], [entry('f', { sha256: 'bb' })]]))).toEqual([]);
  });

  test('sees the config and the history, member by member; empty is absent', () => {
    const ours = image([], { config: { Cmd: ['a'], Labels: {} }, history: [{ created_by: 'RUN a' }] });
    const docker = image([], { config: { Cmd: ['b'] }, history: [{ created_by: 'RUN a', empty_layer: true }] });
    expect(differences(ours, docker)).toEqual(['config Cmd value', 'config history[0].empty_layer value']);
  });
});
