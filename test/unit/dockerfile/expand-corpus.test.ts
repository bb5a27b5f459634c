import { describe, expect, test } from 'vitest';
import { isTbuildError } from '../../../src/errors.ts';
import { expandWord, expandWords } from '../../../src/dockerfile/expand.ts';
import { hasCorpus, readCorpus } from './corpus.ts';

const isPresent = hasCorpus();
const lines = (path: string): readonly string[] =>
  isPresent
    ? readCorpus(path)
        .split('\n')
        .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    : [];

const env = new Map([
  ['PWD', '/home'],
  ['SHELL', 'bash'],
  ['KOREAN', '한국어'],
  ['NULL', ''],
]);

describe.skipIf(!isPresent)('expandWord reads every word of the corpus as BuildKit does', () => {
  const cases = lines('shell/envVarTest')
    .map((line) => line.split('|').map((part) => part.trim()))
    .filter(([platform]) => platform !== 'W')
    .map(([, word = '', expected = '']) => ({ word, expected }));

  // Of its 230 lines two are for Windows alone.
  test('the whole corpus was read', () => {
    expect(cases.length).toBe(228);
  });

  test.each(cases)('$word → $expected', ({ word, expected }) => {
    let result: string;
    try {
      result = expandWord(word, env, '\\');
    } catch (error) {
      expect(isTbuildError(error, 'TBUILD_EXPANSION')).toBe(true);
      result = 'error';
    }
    expect(result).toBe(expected);
  });
});

describe.skipIf(!isPresent)('expandWords splits every line of the corpus as BuildKit does', () => {
  const variables = new Map<string, string>();
  const cases = lines('shell/wordsTest').flatMap((line) => {
    const assignment = /^ENV ([^=]+)=(.*)$/.exec(line);
    if (assignment !== null) {
      variables.set(assignment[1] ?? '', assignment[2] ?? '');
      return [];
    }
    const bar = line.indexOf('|');
    // One blank on each side of the bar is layout; further ones belong to the words.
    const words = line
      .slice(bar + 1)
      .replace(/^ /, '')
      .split(',');
    return [{ text: line.slice(0, bar).trim(), words, variables: new Map(variables) }];
  });

  // Of its 28 lines four set variables.
  test('the whole corpus was read', () => {
    expect(cases.length).toBe(24);
  });

  test.each(cases)('$text → $words', ({ text, words, variables: known }) => {
    const expand = (): readonly string[] => expandWords(text, known, '\\');
    if (words.join(',') === 'error') expect(expand).toThrow(expect.objectContaining({ code: 'TBUILD_EXPANSION' }));
    else expect(expand()).toEqual(words);
  });
});
