import { describe, expect, test } from 'vitest';
import { resolveProgress } from '../../../../src/cli/ui/choose-progress.ts';
import type { ProgressWishes } from '../../../../src/cli/ui/choose-progress.ts';
import { isTbuildError } from '../../../../src/index.ts';

type Word = ProgressWishes['word'];
const resolved = (word: Word, isTTY: boolean, env: NodeJS.ProcessEnv = {}, isQuiet = false): string => {
  try {
    return resolveProgress({ word, isQuiet }, { stderr: { isTTY }, env: { TERM: 'xterm', ...env } });
  } catch (error) {
    if (isTbuildError(error, 'TBUILD_USAGE')) return error.message;
    throw error;
  }
};

describe('how a build is shown', () => {
  test.each<[Word, boolean, string]>([
    [undefined, true, 'tty'],
    [undefined, false, 'plain'],
    ['auto', true, 'tty'],
    ['auto', false, 'plain'],
    ['tty', true, 'tty'],
    ['plain', true, 'plain'],
    ['json', true, 'json'],
    ['rawjson', true, 'json'],
    ['quiet', true, 'quiet'],
    ['tty', false, '--progress=tty: standard error is not a terminal'],
  ])('--progress %s, on a terminal: %s → %s', (word, isTTY, kind) => {
    expect(resolved(word, isTTY)).toBe(kind);
  });

  test.each<[string, Word, string]>([
    ['plain', undefined, 'plain'],
    ['quiet', undefined, 'quiet'],
    ['', undefined, 'tty'],
    ['plain', 'tty', 'tty'],
    ['json', 'auto', 'tty'],
    ['nonsense', 'plain', 'plain'],
    ['nonsense', undefined, 'TBUILD_PROGRESS must be auto or tty or plain or json or rawjson or quiet, not "nonsense"'],
  ])('TBUILD_PROGRESS=%s counts where no --progress is given (%s) → %s', (variable, word, kind) => {
    expect(resolved(word, true, { TBUILD_PROGRESS: variable })).toBe(kind);
  });

  test('a terminal that can only print lines gets lines', () => {
    expect(resolved(undefined, true, { TERM: 'dumb' })).toBe('plain');
    expect(resolved('tty', true, { TERM: 'dumb' })).toBe(
      '--progress=tty: this terminal can only print lines (TERM=dumb)',
    );
  });

  test('--quiet contradicts every other word, but not the environment', () => {
    expect(resolved(undefined, true, { TBUILD_PROGRESS: 'nonsense' }, true)).toBe('quiet');
    expect(resolved('quiet', false, {}, true)).toBe('quiet');
    expect(resolved('auto', false, {}, true)).toBe('quiet');
    for (const word of ['tty', 'plain', 'json', 'rawjson'] as const)
      expect(resolved(word, true, {}, true)).toBe(`--progress=${word} and --quiet cannot be used together`);
  });
});
