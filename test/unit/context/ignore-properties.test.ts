import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isTbuildError } from '../../../src/errors.ts';
import { parseIgnoreFile } from '../../../src/context/ignore-file.ts';
import { compileIgnoreRules } from '../../../src/context/ignore-rules.ts';
import type { IgnoreRules } from '../../../src/context/ignore-rules.ts';
import { compileFilter } from '../../../src/context/path-filter.ts';
import { holds, propertyTimeout } from '../../helpers/property.ts';

const piece = fc.oneof(
  fc.constantFrom(
    'a',
    'b',
    '/',
    '*',
    '**',
    '?',
    '[',
    ']',
    '^',
    '-',
    '\\',
    '!',
    '.',
    '..',
    '#',
    ' ',
    '\n',
    '\r',
    '\ufeff',
  ),
  fc.string({ maxLength: 3 }),
);
const text = fc.array(piece, { maxLength: 20 }).map((pieces) => pieces.join(''));
const name = fc.array(fc.constantFrom('a', 'b', 'ab', '.a', 'a[b]', 'é', '\\'), { minLength: 1, maxLength: 4 });
const path = name.map((components) => components.join('/'));

/** Undefined: refused, with the code of a malformed ignore file. */
function rulesOf(file: string): IgnoreRules | undefined {
  try {
    return compileIgnoreRules({ path: '.dockerignore', lines: parseIgnoreFile(file, '.dockerignore') });
  } catch (error) {
    expect(isTbuildError(error, 'TBUILD_CONTEXT'), String(error)).toBe(true);
    return undefined;
  }
}

test('an ignore file is refused with its code, or decides about every path', { timeout: propertyTimeout }, async () => {
  await holds(
    'ignore files',
    fc.property(text, path, (file, asked) => {
      const rules = rulesOf(file);
      if (rules === undefined) return;
      const explained = rules.explain(asked);
      expect(rules.isIgnored(asked)).toBe(explained !== undefined && !explained.pattern.startsWith('!'));
    }),
  );
});

test('a verdict does not depend on what was asked before', { timeout: propertyTimeout }, async () => {
  await holds(
    'verdicts',
    fc.property(text, fc.array(path, { minLength: 1, maxLength: 8 }), (file, asked) => {
      const rules = rulesOf(file);
      for (const each of asked) expect(rules?.isIgnored(each)).toBe(rulesOf(file)?.isIgnored(each));
    }),
  );
});

test('without exceptions, what is in an ignored directory is ignored', { timeout: propertyTimeout }, async () => {
  await holds(
    'ignored directories',
    fc.property(text, path, (file, directory) => {
      const rules = rulesOf(file.replaceAll('!', ''));
      expect(rules?.isIgnored(directory) !== true || rules.isIgnored(`${directory}/below`)).toBe(true);
    }),
  );
});

test(
  '--exclude and --parents are refused as syntax, or decide about every path',
  { timeout: propertyTimeout },
  async () => {
    await holds(
      '--exclude and --parents',
      fc.property(
        fc.array(text, { maxLength: 3 }),
        fc.option(text, { nil: undefined }),
        path,
        (exclude, pattern, asked) => {
          try {
            expect(typeof (compileFilter({ pattern, exclude }, undefined)?.includes(asked) ?? true)).toBe('boolean');
          } catch (error) {
            expect(isTbuildError(error, 'TBUILD_DOCKERFILE_SYNTAX'), String(error)).toBe(true);
          }
        },
      ),
    );
  },
);
