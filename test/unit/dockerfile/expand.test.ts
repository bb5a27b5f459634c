import { describe, expect, test } from 'vitest';
import { expandWord, expandWords } from '../../../src/dockerfile/expand.ts';
import type { VariableReferences } from '../../../src/dockerfile/expand.ts';
import { errorOf } from './helpers.ts';

const env = new Map([
  ['V', 'aXb/Xc'],
  ['W', 'X'],
  ['E', ''],
  ['_a1', '1'],
  ['é2', '2'],
  ['S', 'a*b?c'],
  ['B', 'a\\b'],
  ['L', 'a1\nab2'],
  ['F', '/a/b/c.tar.gz'],
]);
const expand = (word: string, escape = '\\'): string => expandWord(word, env, escape);

// Each was run through docker build (BuildKit).
describe('words expand as docker expands them', () => {
  test.each([
    ['plain', 'plain'],
    ['$V', 'aXb/Xc'],
    ['$Vx$W', 'X'],
    ['$_a1${é2}$é2é', '12'],
    ['$.$%$', '$.$%$'],
    ['"$"', '$'],
    ['"a$"b', 'a$b'],
    ['$1x$@$$$#$?$-$!$0${1}', 'x'],
    ['$(echo)`echo`', '$(echo)`echo`'],
    ['"a\\nb\\\\c\\"d\\$e\\\'f\\`g"', 'a\\nb\\c"d$e\\\'f\\`g'],
    ["'a\\nb'", 'a\\nb'],
    ['"x"y\'z\'\\w"$W"', 'xyzwX'],
    ['${Q:-"a  b"}', 'a  b'],
    ['${Q:-a  b}', 'a  b'],
    ['"${Q:-\'i j\'}"', 'i j'],
    ['${Q:-"}"}', '}'],
    ["${Q:-'}'}", '}'],
    ['"${Q:-\\"}"', '"'],
    ['"${Q:-\\a}"', 'a'],
    ['${Q:-a}b}', 'ab}'],
    ['${Q-}x', 'x'],
    ['${V:+}x', 'x'],
    ['${V+y}${Q+z}', 'y'],
    ['${E-x}${E:-y}${E+z}${E:+w}', 'yz'],
    ['${Q:-$(echo)}', '$(echo)'],
  ])('%s → %j', (word, expected) => {
    expect(expand(word)).toBe(expected);
  });

  test.each([
    ['${F#*/}', 'a/b/c.tar.gz'],
    ['${F##*/}', 'c.tar.gz'],
    ['${F%.*}', '/a/b/c.tar'],
    ['${F%%.*}', '/a/b/c'],
    ['${V##*X}', 'c'],
    ['${V#*X}', 'b/Xc'],
    ['${V%%X*}', 'a'],
    ['${V%X*}', 'aXb/'],
    ['${V%"$W"c}', 'aXb/'],
    ['${V#a$W}', 'b/Xc'],
    ['"${V#a"X"}"', 'b/Xc'],
    ["${V#'a'}", 'Xb/Xc'],
    ['${V#"*"b}', '/Xc'],
    ['${V#[a]}', 'aXb/Xc'],
    ['${V#}${V%}', 'aXb/XcaXb/Xc'],
    ['${V###}', 'aXb/Xc'],
    ['${V%%%}', 'aXb/Xc'],
    ['${V#${V%b*}}', 'b/Xc'],
    ['${Q#a}${Q%%*}', ''],
    ['${S#a\\*}', 'b?c'],
    ['${S%\\?*}', 'a*b'],
    ['${B#a"\\\\"}', 'b'],
    ['${B#a\\\\}', 'b'],
    ['${B#a"\\*"}', 'b'],
    ["${S#a'\\*'}", 'b?c'],
    ['${L#*b}', 'a1\nab2'],
    ['${L##*}', '\nab2'],
    ['${L%%*}', 'a1\n'],
    ['${L%*}', 'a1\nab2'],
  ])('%s → %j (prefix and suffix)', (word, expected) => {
    expect(expand(word)).toBe(expected);
  });

  test.each([
    ['${V/X/-}', 'a-b/Xc'],
    ['${V//X/-}', 'a-b/-c'],
    ['${V//$W/-$W-}', 'a-X-b/-X-c'],
    ['${V//\\//-}', 'aXb-Xc'],
    ['${V/\\/X/}', 'aXbc'],
    ['${V/X/\\/}', 'a\\/b/Xc'],
    ['${V/X/\\\\}', 'a\\\\b/Xc'],
    ['${V/X/\\n}', 'a\\nb/Xc'],
    ['${V/X/\\}}', 'a\\}b/Xc'],
    ["${V/X/'$W'}", 'a$Wb/Xc'],
    ["${V//X/'$W'}", 'ab/c'],
    ["${V//X/'$0$0'}", 'aXXb/XXc'],
    ["${V//X/'$$'}", 'a$b/$c'],
    ['${V//X/\\$W}', 'a\\b/\\c'],
    ['${V///x}', 'xaxXxbx/xXxcx'],
    ['${V///}', 'aXb/Xc'],
    ['${V////}', '/a/X/b///X/c/'],
    ['${V//?/-}', '------'],
    ['${V/*X/-}', '-c'],
    ['${V/X*/-}', 'a-'],
    ['${V//b*/}', 'aX'],
    ['${V/%c/-}${V/#a/-}', 'aXb/XcaXb/Xc'],
    ['${V/"$W"/q}', 'aqb/Xc'],
    ["${V/'$W'/q}", 'aXb/Xc'],
    ['${V/a/${V/X/y}}', 'ayb/XcXb/Xc'],
    ['"${V/X/ }"', 'a b/Xc'],
    ['${S/\\*/-}${S//?/x}${S//*/x}', 'a-b?cxxxxxx'],
    ['${L//?/x}', 'xx\nxxx'],
    ['${L/a*/q}', 'q\nab2'],
  ])('%s → %j (replacement)', (word, expected) => {
    expect(expand(word)).toBe(expected);
  });

  test.each([
    ['`$V', '$V'],
    ['\\$W', '\\X'],
    ['"`$V"', '$V'],
    ['"\\$W"', '\\X'],
    ["'`$V'", '`$V'],
    ['a`\\b', 'a\\b'],
    ['``', '`'],
    ['C:\\foo', 'C:\\foo'],
    ['${S/\\*/y}', 'ayb?c'],
    ['${S/`*/z}', 'a*b?c'],
  ])('%s → %s with a backtick for the escape character', (word, expected) => {
    expect(expand(word, '`')).toBe(expected);
  });
});

describe('what docker refuses is TBUILD_EXPANSION', () => {
  test.each([
    ['${}', 'syntax error: bad substitution'],
    ['${:-x}', 'syntax error: bad substitution'],
    ['${V=x}', 'unsupported modifier (=) in substitution'],
    ['${V:=x}', 'unsupported modifier (:=) in substitution'],
    ['${V:#a}', 'unsupported modifier (:#) in substitution'],
    ['${V:/a/b}', 'unsupported modifier (:/) in substitution'],
    ['${V:0:3}', 'unsupported modifier (:0) in substitution'],
    ['${V,,}', 'unsupported modifier (,) in substitution'],
    ['${#V}', 'unsupported modifier (V) in substitution'],
    ['${$V}', 'unsupported modifier (V) in substitution'],
    ['${V', 'unsupported modifier () in substitution'],
    ['${V/b}', "syntax error: missing '/' in ${}"],
    ['${V/}', "syntax error: missing '/' in ${}"],
    ['${V//X}', "syntax error: missing '/' in ${}"],
    ['${Q:-${Q', 'unsupported modifier () in substitution'],
    ['${Q:-"80', 'unexpected end of statement while looking for matching double-quote'],
    ['${Q:-80', "syntax error: missing '}'"],
    ['"b', 'unexpected end of statement while looking for matching double-quote'],
    ["'b", 'unexpected end of statement while looking for matching single-quote'],
    ['${Q?}', 'Q: is not allowed to be unset'],
    ['${Q:?}', 'Q: is not allowed to be unset'],
    ['${E:?}', 'E: is not allowed to be empty'],
    ['${Q?"$W msg"}', 'Q: X msg'],
    ['${V-${Q?x}}', 'Q: x'],
    ['${Q+${Q?x}}', 'Q: x'],
    ['${V#\\a}', "invalid pattern (\\a) in substitution: invalid escape '\\a'"],
    ['${V/\\$W/q}', "invalid pattern (\\$W) in substitution: invalid escape '\\$'"],
  ])('%s: %s', (word, message) => {
    const span = { file: 'Dockerfile', line: 3, column: 1, endLine: 3, endColumn: 9 };
    const error = errorOf(() => expandWord(word, env, '\\', { span }));
    expect(error.code).toBe('TBUILD_EXPANSION');
    expect(error.message).toBe(`failed to process "${word}": ${message}`);
    expect(error.span).toEqual(span);
  });
});

describe('expandWords', () => {
  test.each([
    ['${Q:-a  b}', ['a', 'b']],
    ['"${Q:-a  b}"', ['a  b']],
    ['$E', []],
    ["''", []],
    ['a\u00a0b', ['a', 'b']],
    ["a' 'b\\ c", ['a b c']],
  ])('%s → %j', (text, words) => {
    expect(expandWords(text, env, '\\')).toEqual(words);
  });
});

describe('references', () => {
  test('say which names a result depends on, those that are not set apart', () => {
    const references: VariableReferences = { used: new Set(), unset: new Set() };
    expandWord('$V ${Q:-$W} "${E:+$R}" \\$N \'$O\' ${1}', env, '\\', { references });
    expect([...references.used]).toEqual(['V', 'W', 'E']);
    expect([...references.unset]).toEqual(['Q', 'R', '1']);
  });
});

describe('hostile text', () => {
  const long = new Map([['A', 'a'.repeat(1_000_000)]]);
  const fails = (word: string): string => errorOf(() => expandWord(word, long, '\\')).message;

  test('a result has at most 1 MiB', () => {
    expect(expandWord('${A}b', long, '\\')).toHaveLength(1_000_001);
    expect(fails('$A$A')).toContain('the result is longer than 1048576 characters');
    expect(fails(`\${Q:-${'$A'.repeat(20_000)}}`)).toContain('the result is longer than');
    expect(fails("${A//a/'$0$0$0'}")).toContain('the result is longer than');
    expect(fails('${A//a/$A}')).toContain('the patterns and values are too long');
  });

  test('substitutions go at most 64 deep', () => {
    const nested = (depth: number): string => '${Q:-'.repeat(depth) + 'x' + '}'.repeat(depth);
    expect(expandWord(nested(64), env, '\\')).toBe('x');
    expect(fails(nested(65))).toContain('more than 64 substitutions inside each other');
    expect(fails('${Q:-'.repeat(13_000))).toContain('more than 64');
  });

  test('no pattern is slow', () => {
    const started = performance.now();
    expect(expandWord(`\${A##${'*a'.repeat(50)}*b}`, long, '\\')).toHaveLength(1_000_000);
    expect(expandWord(`\${A%%b${'*a?'.repeat(50)}}`, long, '\\')).toHaveLength(1_000_000);
    expect(expandWord(`\${A/${'*a?'.repeat(40)}b/}`, long, '\\')).toHaveLength(1_000_000);
    expect(fails(`\${A#${'a'.repeat(60_000)}b}`)).toContain('the patterns and values are too long');
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  test('names of object properties are variables like others', () => {
    expect(expand('$constructor${__proto__:-x}$toString')).toBe('x');
  });
});
