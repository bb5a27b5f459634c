import { describe, expect, test } from 'vitest';
import { parseIgnoreFile } from '../../../src/context/ignore-file.ts';
import { compileIgnoreRules } from '../../../src/context/ignore-rules.ts';
import type { IgnoreRules } from '../../../src/context/ignore-rules.ts';
import { openScan } from '../../../src/context/scan.ts';
import { createVisibleTree } from '../../../src/context/visible-tree.ts';
import { isTbuildError } from '../../../src/errors.ts';
import { contextDirectories, contextPaths, ignoreCases } from './docker-ignore-cases.ts';
import { encodeTree } from './scan-records.ts';

const scan = openScan(encodeTree(contextPaths, contextDirectories));

function rulesOf(text: string): IgnoreRules {
  return compileIgnoreRules({ path: '/context/.dockerignore', lines: parseIgnoreFile(text, '/context/.dockerignore') });
}

function visiblePaths(rules: IgnoreRules): string[] {
  const tree = createVisibleTree(scan, rules);
  const paths: string[] = [];
  for (let record = 0; record < scan.length; record++) if (tree.isVisible(record)) paths.push(scan.path(record));
  return paths.sort();
}

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('as docker build', () => {
  test.each(ignoreCases)('%j', (text, outcome) => {
    if (outcome === 'malformed') {
      expect(
        isTbuildError(
          thrownBy(() => rulesOf(text)),
          'TBUILD_CONTEXT',
        ),
      ).toBe(true);
      return;
    }
    const kept = 'kept' in outcome ? outcome.kept : contextPaths.filter((path) => !outcome.ignored.includes(path));
    expect(visiblePaths(rulesOf(text))).toEqual([...kept].sort());
  });
});

test('a malformed pattern is reported with file and line', () => {
  const error = thrownBy(() => rulesOf('# comment\nok\n\n[broken'));
  expect(error).toMatchObject({
    message: expect.stringContaining('/context/.dockerignore:4') as string,
    details: { line: 4 },
  });
});

test('the answer does not depend on the order in which paths are asked', () => {
  const rules = rulesOf('d\n!d/e\nd/e/f\n**/*.txt');
  const forward = contextPaths.map((path) => rules.isIgnored(path));
  const backward = [...contextPaths].reverse().map((path) => rules.isIgnored(path));
  expect(backward.reverse()).toEqual(forward);
});

test('explain names the line that decides', () => {
  const rules = rulesOf('*\n!d\n\nd/e');
  expect(rules.explain('d/e/f')).toEqual({ line: 4, pattern: 'd/e' });
  expect(rules.explain('d/f')).toEqual({ line: 2, pattern: '!d' });
  expect(rulesOf('x').explain('d/f')).toBeUndefined();
});

test('rules for the scanner put negated rules last and keep all that an unusual one could admit', () => {
  expect(rulesOf('!d/[a-c*]/x\nd\n[[:alpha:]]x\n*.py[cod]').toPruneRules()).toEqual([
    { pattern: 'd', negated: false },
    { pattern: '*.py[cod]', negated: false },
    { pattern: 'd/**', negated: true },
  ]);
});

test('the same rules have the same key, comments and spelling aside', () => {
  expect(rulesOf('#x\n/a/./b\n!c ').key).toBe(rulesOf('a/b\n! c').key);
  expect(rulesOf('a\nb').key).not.toBe(rulesOf('b\na').key);
});
