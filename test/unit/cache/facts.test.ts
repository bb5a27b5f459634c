import { describe, expect, test } from 'vitest';
import { factReader, firstDifference } from '../../../src/cache/facts.ts';
import { stateView } from '../../helpers/state.ts';

describe('facts', () => {
  const state = stateView({ 'app/': { mode: 0o700, uid: 5 }, 'app/file': { sha256: 'aa' }, link: { link: 'app' } });

  test('each question is remembered with its answer, once', () => {
    const reader = factReader(state);
    reader.component('app');
    reader.component('app');
    reader.directoryPlace('new');
    reader.filePlace('app');
    expect(reader.facts()).toEqual([
      ['component app', 'directory 700 5:0'],
      ['directory new', 'absent'],
      ['file app', 'directory'],
    ]);
  });

  test('facts hold on another state that answers the same, whatever else differs', () => {
    const reader = factReader(state);
    reader.component('app');
    reader.filePlace('app/file');
    const other = stateView({ 'app/': { mode: 0o700, uid: 5, mtime: 99 }, 'app/file': { sha256: 'bb' }, 'more/': {} });
    expect(firstDifference(other, reader.facts())).toBeUndefined();
  });

  test.each([
    ['mode', { 'app/': { mode: 0o755, uid: 5 } }, 'directory 755 5:0'],
    ['owner', { 'app/': { mode: 0o700, uid: 6 } }, 'directory 700 6:0'],
    ['type', { app: { mode: 0o700, uid: 5 } }, 'file 700 5:0'],
    [
      'extended attributes',
      { 'app/': { mode: 0o700, uid: 5, xattrs: { 'user.a': '01' } } },
      'directory 700 5:0 user.a=01',
    ],
    ['absence', {}, 'absent'],
  ])('a component differs by %s', (_, entries, after) => {
    const reader = factReader(state);
    reader.component('app');
    expect(firstDifference(stateView(entries), reader.facts())).toEqual({
      question: 'component app',
      before: 'directory 700 5:0',
      after,
    });
  });

  test('a symlink is a fact with its target', () => {
    const reader = factReader(state);
    reader.component('link');
    expect(firstDifference(stateView({ link: { link: 'opt' } }), reader.facts())?.after).toContain('-> opt');
  });

  test('content is a fact by digest, and only of regular files', () => {
    const reader = factReader(state);
    expect(reader.content('app/file')).toBe('aa');
    expect(reader.content('app')).toBeUndefined();
    expect(firstDifference(stateView({ 'app/': {}, 'app/file': { sha256: 'cc' } }), reader.facts())?.question).toBe(
      'content app/file',
    );
  });

  test('a question that nobody knows never holds', () => {
    expect(firstDifference(state, [['mystery app', 'unknown']])).toBeDefined();
  });
});
