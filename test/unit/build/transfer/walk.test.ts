import { describe, expect, test } from 'vitest';
import { walk } from '../../../../src/build/transfer/walk.ts';
import { directory, link, readerOf } from './state.ts';

const state = {
  a: directory,
  'a/b': directory,
  'a/file': 'x',
  'a/up': link('..'),
  absolute: link('/a/b'),
  'a/relative': link('b'),
  dangling: link('/new/deep'),
  loop: link('loop'),
  escape: link('../../../a'),
  'a/to-file': link('file'),
};
const paths = (entries: readonly { readonly path: string }[]): string[] => entries.map(({ path }) => path);

describe('a path in the image', () => {
  test.each([
    ['/', '', [], []],
    ['', '', [], []],
    ['/a/b', 'a/b', ['a'], []],
    ['//a/./b/', 'a/b', ['a'], []],
    ['/a/b/../../a', 'a', [], []],
    ['/../..', '', [], []],
    ['/absolute', 'a/b', ['a'], []],
    ['/a/relative/c', 'a/b/c', ['a', 'a/b'], []],
    ['/a/up/x', 'x', [], []],
    ['/escape/b', 'a/b', ['a'], []],
    ['/a/new/deep', 'a/new/deep', ['a'], ['a/new']],
    ['/a/new/../other', 'a/other', ['a'], []],
    ['/a/new/../../x', 'x', [], []],
    ['/dangling/x', 'new/deep/x', [], ['new', 'new/deep']],
    ['/a/to-file', 'a/file', ['a'], []],
  ])('%s leads to %s', (path, physical, existing, missing) => {
    const walked = walk(readerOf(state), path);
    expect(walked.physical).toBe(physical);
    expect(paths(walked.existing)).toEqual(existing);
    expect(walked.missing).toEqual(missing);
  });

  test.each(['/a/file/x', '/a/to-file/x', '/a/file/x/y'])('%s leads through a file: refused', (path) => {
    expect(() => walk(readerOf(state), path)).toThrow(/^\/a\/file is not a directory$/);
  });

  test('a loop of links ends', () => {
    expect(() => walk(readerOf(state), '/loop/x')).toThrow('too many symbolic links on the way to /loop/x');
  });

  test('what was looked at is a fact, links and absent ones too, and nothing else is', () => {
    const reader = readerOf(state);
    walk(reader, '/absolute/new/x');
    expect(reader.facts()).toEqual([
      ['component ', 'absent'],
      ['component absolute', 'symlink 644 0:0 -> /a/b'],
      ['component a', 'directory 755 0:0'],
      ['component a/b', 'directory 755 0:0'],
      ['component a/b/new', 'absent'],
    ]);
  });
});
