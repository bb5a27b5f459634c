import { parseChmod } from '../../../../src/dockerfile/chmod-mode.ts';
import { describe, expect, test } from 'vitest';
import type { Ownership } from '../../../../src/build/transfer/placer.ts';
import { planCopy } from '../../../../src/build/transfer/plan-copy.ts';
import type { SourceItem } from '../../../../src/build/transfer/source.ts';
import type { WriteEntry } from '../../../../src/native/helper-types.ts';
import type { LayerSpec } from '../../../helpers/temp-store.ts';
import { directory, file, folder, item, link, readerOf } from './state.ts';

const none: Ownership = { owner: undefined, chmod: undefined };

interface Planned {
  readonly entries: readonly WriteEntry[];
  /** `type path mode uid:gid mtime`, as far as they are given. */
  readonly lines: readonly string[];
  readonly facts: readonly string[];
}

function plan(state: LayerSpec, items: readonly SourceItem[], destination: string, ownership = none): Planned {
  const reader = readerOf(state);
  const { entries } = planCopy({ items, destination, ownership, roots: ['/r'], unpack: false }, reader);
  const all = [...(entries as Iterable<WriteEntry>)];
  return { entries: all, lines: all.map(lineOf), facts: reader.facts().map((fact) => fact.join(' = ')) };
}

function lineOf(entry: WriteEntry): string {
  if (entry.type === 'hardlink') return `hardlink ${entry.path} -> ${entry.link}`;
  if (entry.type === 'whiteout') return `whiteout ${entry.path}`;
  const time = 'mtime' in entry ? ` ${entry.mtime ?? 'now'}` : '';
  const target = entry.type === 'symlink' ? ` -> ${entry.link}` : '';
  return `${entry.type} ${entry.path} ${entry.mode.toString(8)} ${entry.uid}:${entry.gid}${time}${target}`;
}

const one = [item('one', file(''))];

describe('a file is copied', () => {
  test('to a name that is not there, with the directories on the way made', () => {
    expect(plan({}, one, '/x/y/z').lines).toEqual([
      'directory x 755 0:0 now',
      'directory x/y 755 0:0 now',
      'file x/y/z 644 5:6 1000',
    ]);
  });

  test('into a directory that is there, which only is passed through', () => {
    const state = { d: { ...directory, mode: 0o700, uid: 7 } };
    expect(plan(state, one, '/d').lines).toEqual(['parent d 700 7:0', 'file d/one 644 5:6 1000']);
    expect(plan(state, one, '/d/').lines).toEqual(plan(state, one, '/d').lines);
  });

  test('into a new directory, when the destination ends with a slash', () => {
    expect(plan({}, one, '/d/').lines).toEqual(['directory d 755 0:0 now', 'file d/one 644 5:6 1000']);
  });

  test('over a file, and over a link to the place where the link leads', () => {
    expect(plan({ f: 'x' }, one, '/f').lines).toEqual(['file f 644 5:6 1000']);
    expect(plan({ l: link('f'), f: 'x' }, one, '/l').lines).toEqual(['file f 644 5:6 1000']);
    expect(plan({ l: link('/d'), d: directory }, one, '/l').lines).toEqual([
      'parent d 755 0:0',
      'file d/one 644 5:6 1000',
    ]);
  });

  test('to the root', () => {
    expect(plan({}, one, '/').lines).toEqual(['file one 644 5:6 1000']);
  });

  test('never over a directory, nor into a file', () => {
    expect(() => plan({ d: directory, 'd/one': directory }, one, '/d/')).toThrow('/d/one is a directory');
    expect(() => plan({ f: 'x' }, one, '/f/')).toThrow('/f is not a directory');
    expect(() => plan({ f: 'x' }, one, '/f/g')).toThrow('/f is not a directory');
  });

  test('never under a name that means a deletion in a layer', () => {
    expect(() => plan({}, [item('.wh.x', file(''))], '/d/')).toThrow('begins with .wh.');
    expect(() => plan({}, one, '/.wh..wh..opq')).toThrow('begins with .wh.');
  });
});

describe('a directory is copied', () => {
  const tree = item('src', folder(''), folder('sub'), file('sub/a'), file('b'), file('c', { hardlink: 'b' }));

  test('by its contents, below the destination, which takes its time but not its mode', () => {
    expect(plan({}, [tree], '/d').lines).toEqual([
      'directory d 755 0:0 1000',
      'directory d/sub 750 5:6 1000',
      'file d/sub/a 644 5:6 1000',
      'file d/b 644 5:6 1000',
      'hardlink d/c -> d/b',
    ]);
  });

  test('an existing destination keeps mode, owner and attributes', () => {
    const { entries } = plan({ d: { ...directory, mode: 0o711, uid: 3, xattrs: { 'user.x': '00' } } }, [tree], '/d/');
    expect(entries[0]).toEqual({
      type: 'directory',
      path: 'd',
      mode: 0o711,
      uid: 3,
      gid: 0,
      xattrs: { 'user.x': '00' },
      mtime: 1000,
    });
  });

  test('to the root, which it does not touch', () => {
    expect(plan({}, [tree], '/').lines[0]).toBe('directory sub 750 5:6 1000');
  });

  test('over directories, not over files; files not over directories', () => {
    expect(plan({ d: directory, 'd/sub': directory }, [tree], '/d').lines).toContain('directory d/sub 750 5:6 1000');
    expect(() => plan({ d: directory, 'd/sub': 'file' }, [tree], '/d')).toThrow('/d/sub is not a directory');
    expect(() => plan({ d: directory, 'd/b': directory }, [tree], '/d')).toThrow('/d/b is a directory');
    expect(() => plan({ d: 'file' }, [tree], '/d')).toThrow('/d is not a directory');
  });

  test('two directories into one: what the first has put there counts', () => {
    const first = item('x', folder(''), file('same'));
    const second = item('y', folder(''), folder('same'));
    expect(() => plan({}, [first, second], '/d/')).toThrow('/d/same is not a directory');
    expect(() => plan({}, [second, first], '/d/')).toThrow('/d/same is a directory');
    expect(plan({}, [first, first], '/d/').lines.filter((line) => line.startsWith('file'))).toHaveLength(2);
  });

  test('"absent" on its root stands for everything below it', () => {
    const { facts } = plan({}, [tree], '/d');
    expect(facts).toEqual(['component  = absent', 'component d = absent', 'directory d = absent']);
  });

  test('in a directory that is there every name that is written is a fact', () => {
    const { facts } = plan({ d: directory }, [tree], '/d');
    expect(facts).toEqual([
      'component  = absent',
      'component d = directory 755 0:0',
      'directory d = directory',
      'directory d/sub = absent',
      'file d/b = other',
      'file d/c = other',
    ]);
  });
});

describe('--chown and --chmod', () => {
  const ownership: Ownership = { owner: { uid: 8, gid: 9 }, chmod: parseChmod('4711') };

  test('hold for what is copied and, without special bits and under 022, for directories on the way', () => {
    const tree = item('src', folder(''), folder('sub'), file('f'), {
      ...folder('l'),
      type: 'symlink',
      link: 'f',
    });
    expect(plan({}, [tree], '/x/d', ownership).lines).toEqual([
      'directory x 711 8:9 now',
      'directory x/d 711 8:9 1000',
      'directory x/d/sub 4711 8:9 1000',
      'file x/d/f 4711 8:9 1000',
      'symlink x/d/l 777 8:9 1000 -> f',
    ]);
  });

  test('leave alone what is there', () => {
    expect(plan({ x: { ...directory, uid: 1 } }, one, '/x/', ownership).lines[0]).toBe('parent x 755 1:0');
  });
});

test('devices and fifos keep what they are', () => {
  const tree = item(
    'dev',
    folder(''),
    { ...folder('null'), type: 'character', major: 1, minor: 3, mode: 0o666 },
    { ...folder('pipe'), type: 'fifo' },
  );
  const { entries } = plan({}, [tree], '/d');
  expect(entries[1]).toMatchObject({ type: 'character', path: 'd/null', major: 1, minor: 3, mode: 0o666 });
  expect(entries[2]).toMatchObject({ type: 'fifo', path: 'd/pipe' });
});

test('several sources need a directory', () => {
  const two = [item('one', file('')), item('two', file(''))];
  expect(plan({ d: directory }, two, '/d').lines.slice(1)).toEqual([
    'file d/one 644 5:6 1000',
    'file d/two 644 5:6 1000',
  ]);
  expect(() => plan({}, two, '/d')).toThrow(expect.objectContaining({ code: 'TBUILD_COPY' }));
});
