import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileGoMatch, hasWildcards, MalformedPattern } from '../../../src/context/go-match.ts';
import { holds, propertyTimeout } from '../../helpers/property.ts';

describe('as path/filepath.Match', () => {
  // The table of Go's own documentation of the function, by meaning; true and false are what Go 1.27 answers.
  test.each([
    ['abc', 'abc', true],
    ['*', 'abc', true],
    ['*c', 'abc', true],
    ['a*', 'a', true],
    ['a*', 'ab/c', false],
    ['a*/b', 'a/c/b', false],
    ['a*b*c*d*e*/f', 'axbxcxdxe/f', true],
    ['a*b*c*d*e*/f', 'axbxcxdxe/xxx/f', false],
    ['a*b?c*x', 'abxbbxdbxebxczzx', true],
    ['a*b?c*x', 'abxbbxdbxebxczzy', false],
    ['ab[c]', 'abc', true],
    ['ab[b-d]', 'abc', true],
    ['ab[e-g]', 'abc', false],
    ['ab[^c]', 'abc', false],
    ['ab[^b-d]', 'abc', false],
    ['ab[^e-g]', 'abc', true],
    ['a\\*b', 'a*b', true],
    ['a\\*b', 'ab', false],
    ['a?b', 'a☺b', true],
    ['a[^a]b', 'a☺b', true],
    ['a???b', 'a☺b', false],
    ['a[^a][^a][^a]b', 'a☺b', false],
    ['[a-ζ]*', 'α', true],
    ['*[a-ζ]', 'A', false],
    ['a?b', 'a/b', false],
    ['a*b', 'a/b', false],
    ['a[^x]b', 'a/b', true],
    ['[\\]a]', ']', true],
    ['[\\-]', '-', true],
    ['[x\\-]', 'x', true],
    ['[x\\-]', '-', true],
    ['[x\\-]', 'z', false],
    ['[\\-x]', 'a', false],
    ['*x', 'xxx', true],
    ['**', 'a', true],
    ['**', 'a/b', false],
    ['', '', true],
    ['', 'a', false],
    ['a', '', false],
    ['*', '', true],
    // The first place where a piece between stars fits is kept, although a later one would do.
    ['*[/a]*b', 'a/b', false],
  ] as const)('%j on %j is %j', (pattern, name, expected) => {
    expect(compileGoMatch(pattern)(name)).toBe(expected);
  });

  test.each([
    '[]a]',
    '[-]',
    '[x-]',
    '[-x]',
    '\\',
    '[a-b-c]',
    '[',
    '[^',
    '[^bc',
    'a[',
    'a[b',
    'a\\',
    '[\\',
    '[a-\\',
    '*[',
  ])('%j is malformed', (pattern) => {
    expect(() => compileGoMatch(pattern)).toThrow(MalformedPattern);
  });
});

test('an escaped wildcard makes no pattern', () => {
  expect(['a*', 'a?', '[a]', 'a\\*b*'].every(hasWildcards)).toBe(true);
  expect(['a', 'a\\*', '\\[a]', ''].some(hasWildcards)).toBe(false);
});

test(
  'patterns of literals, stars and question marks mean what the equal regular expression means',
  { timeout: propertyTimeout },
  async () => {
    const text = fc.array(fc.constantFrom('a', 'b', '/', 'é'), { maxLength: 12 }).map((parts) => parts.join(''));
    const pattern = fc
      .array(fc.constantFrom('a', 'b', '/', 'é', '*', '?'), { maxLength: 8 })
      .map((parts) => parts.join(''));
    await holds(
      'stars and question marks',
      fc.property(pattern, text, (glob, name) => {
        const expression = glob.replaceAll(/\*+/g, '[^/]*').replaceAll('?', '[^/]');
        expect(compileGoMatch(glob)(name)).toBe(new RegExp(`^${expression}$`, 'u').test(name));
      }),
    );
  },
);

test('a pattern made to be slow is not', () => {
  const start = performance.now();
  expect(compileGoMatch(`${'*a'.repeat(500)}b`)('a'.repeat(4000))).toBe(false);
  expect(performance.now() - start).toBeLessThan(1000);
});
