import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MalformedPattern } from '../../../src/context/go-match.ts';
import { parseGoRegexp, runProgram, toRegExp } from '../../../src/context/go-regexp.ts';
import { compileIgnorePattern, translate } from '../../../src/context/ignore-pattern.ts';

const pattern = fc
  .array(fc.constantFrom('a', 'b', '.', '/', '*', '**', '**/', '?', '[ab]', '[^a]', '[a-b/]', '\\*', '\\d'), {
    maxLength: 6,
  })
  .map((parts) => parts.join(''));
const path = fc
  .array(fc.constantFrom('a', 'b', '.', '/', '*', '1', '\n'), { maxLength: 8 })
  .map((parts) => parts.join(''));

test('the native expression and the state machine agree', () => {
  fc.assert(
    fc.property(pattern, path, (text, name) => {
      const program = parseGoRegexp(translate(text).expression);
      const native = toRegExp(program);
      return native === undefined || native.test(name) === runProgram(program, name);
    }),
    { numRuns: 1000 },
  );
});

test.each([
  ['\\bfoo\\b', 'foo', true],
  ['a\\bfoo', 'afoo', false],
  ['f\\Boo', 'foo', true],
  ['\\Afoo\\z', 'foo', true],
  ['\\pL\\PL', 'é1', true],
  ['\\Qa.b\\Ec', 'a.bc', true],
  ['x\\Qa', 'xa', false],
  ['x\\Qa', 'xa$anything', true],
  ['\\x41\\101', 'AA', true],
  ['^a', 'a', true],
  ['a^', 'a', false],
  ['[[:^digit:]x-z]', 'q', true],
] as const)('%j on %j is %j', (expression, name, expected) => {
  expect(runProgram(parseGoRegexp(expression), name)).toBe(expected);
});

test.each(['\\e', '\\é', '\\8', '\\pQ', '\\x4', '[z-a]', '[[:nope:]]', '\\C'])('%j is malformed', (expression) => {
  expect(() => parseGoRegexp(expression)).toThrow(MalformedPattern);
});

test('an ignore pattern made to be slow is not', () => {
  const start = performance.now();
  expect(compileIgnorePattern(`${'**/*a'.repeat(40)}b`)('a/'.repeat(1000))).toBe(false);
  expect(performance.now() - start).toBeLessThan(2000);
});
