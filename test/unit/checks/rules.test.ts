import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { catalogue } from '../../../src/checks/catalogue.ts';
import { isTbuildError } from '../../../src/errors.ts';
import { holds, propertyTimeout } from '../../helpers/property.ts';
import { anyText, likelyDockerfile } from '../dockerfile/arbitraries.ts';
import { checkText, placesOf, warningsOf } from './helpers.ts';
import type { CheckWish } from './helpers.ts';

const fixtures = fileURLToPath(new URL('../../../fixtures/checks/', import.meta.url));
const manual = readFileSync(fileURLToPath(new URL('../../../docs/checks.md', import.meta.url)), 'utf8');

describe('the catalogue', () => {
  test('has every rule of docker, by its name, once', () => {
    expect(new Set(catalogue.map(({ name }) => name)).size).toBe(catalogue.length);
    const folders = readdirSync(fixtures).filter((name) => /^[A-Z]/.test(name));
    expect(catalogue.map(({ name }) => name).toSorted()).toEqual(folders.toSorted());
    expect(folders).toHaveLength(22);
  });

  test.each(catalogue)('$name has its section in docs/checks.md, with both examples', (rule) => {
    const section = manual.split(`### ${rule.name}\n`)[1]?.split(/^### /m)[0] ?? '';
    expect(section).toContain(rule.description);
    expect(section).toContain(`Why: ${rule.why}`);
    expect(section).toContain(`Fix: ${rule.fix}`);
    for (const kind of ['bad', 'good'])
      expect(section).toContain(readFileSync(`${fixtures}${rule.name}/${kind}.Dockerfile`, 'utf8'));
  });
});

describe('a comment above an instruction', () => {
  const text = (comment: string): string => `FROM a\n${comment}\nCMD x\nCMD y\nCMD ["z"]\n`;
  const all = ['JSONArgsRecommended 3', 'MultipleInstructionsDisallowed 3'];
  const others = ['JSONArgsRecommended 4', 'MultipleInstructionsDisallowed 4'];

  test.each([
    ['# check=skip=JSONArgsRecommended', all.slice(1)],
    ['#check=skip=JSONArgsRecommended,MultipleInstructionsDisallowed', []],
    ['# check=skip=JSONArgsRecommended // a shell is meant', all.slice(1)],
    ['# check=skip=all', []],
    ['# check = skip=all', []],
    ['# check=skip=WorkdirRelativePath', all],
    ['# check skip=all', all],
    ['# skip=all', all],
  ])('%s', (comment, left) => {
    expect(placesOf(text(comment))).toEqual([...left, ...others]);
  });

  test('may have others around it, and blank lines below', () => {
    expect(placesOf('FROM a\n# one\n# check=skip=all\n# two\n\nCMD x\n')).toEqual([]);
  });

  test('holds for findings inside the instruction, and for those in the file only', () => {
    expect(placesOf('FROM a\n# check=skip=NoEmptyContinuation\nRUN a \\\n\n b\n')).toEqual([]);
    expect(placesOf('FROM a\n# check=skip=NoEmptyContinuation\nRUN a \\\n\n b\nRUN a \\\n\n b\n')).toEqual([
      'NoEmptyContinuation 8',
    ]);
  });

  test('inside a heredoc or a continuation is none', () => {
    expect(placesOf('FROM a\nRUN <<E\n# check=skip=all\nE\nCMD x\n')).toEqual(['JSONArgsRecommended 5']);
    expect(placesOf('FROM a\nRUN a \\\n# check=skip=all\n b\nCMD x\n')).toEqual(['JSONArgsRecommended 5']);
  });

  test('is no description of what follows', () => {
    const text = '# check=experimental=all\nFROM a\n# x a thing\n# check=skip=UndefinedVar\nARG x=$y\n';
    expect(placesOf(text)).toEqual([]);
  });
});

test('the first 200 undefined names get suggestions, and no more: each compares with all that there are', () => {
  const text = `FROM a\nENV HOMES=1\n${'ENV A=$HOMEX\n'.repeat(250)}`;
  const messages = checkText(text).findings.map(({ message }) => message);
  expect(messages).toHaveLength(250);
  expect(messages.filter((message) => message.endsWith('(did you mean $HOMES?)'))).toHaveLength(200);
});

describe('the base image', () => {
  test('its variables are defined, and are suggested', () => {
    const base = { Env: ['JAVA_HOME=/opt/java'] };
    expect(warningsOf('FROM a\nENV A=$JAVA_HOME B=$JAVA_HOM\n', { base })).toEqual([
      "UndefinedVar: Usage of undefined variable '$JAVA_HOM' (did you mean $JAVA_HOME?) (line 2)",
    ]);
  });

  test('where nobody knows it, no variable is called undefined', () => {
    expect(placesOf('FROM a AS b\nENV A=$JAVA_HOME\nFROM b\nENV B=$C\n', { base: 'unknown' })).toEqual([]);
  });

  test('its SHELL says that a shell is meant', () => {
    expect(placesOf('FROM a\nCMD b\n', { base: { Shell: ['/bin/bash', '-c'] } })).toEqual([]);
  });

  test('what its triggers do has the place of the FROM', () => {
    const base = { OnBuild: ['WORKDIR src', 'ENV a b', 'CMD x'] };
    expect(placesOf('FROM a\nCMD ["y"]\nWORKDIR z\n', { base })).toEqual([
      'LegacyKeyValueFormat 1',
      'WorkdirRelativePath 1',
      'JSONArgsRecommended 1',
      'MultipleInstructionsDisallowed 1',
    ]);
  });
});

describe('CopyIgnoredFile', () => {
  test.each([
    ['a', 'COPY a /', true],
    ['a', 'COPY ./a /a/', true],
    ['a', 'COPY /a/ /', true],
    ['a', 'COPY a/b /', true],
    ['a', 'COPY *a /', false],
    ['a', 'COPY --from=x a /', false],
    ['a', 'ADD https://example.com/a a /', true],
    ['a', 'ADD https://example.com/a /', false],
    ['*', 'COPY . /', false],
    ['*', 'COPY / /', false],
    ['*\n!src', 'COPY src /', false],
    ['a\n!a/b', 'COPY a /', false],
    ['a\n!a/b', 'COPY a/c /', true],
    ['a\n!b/c', 'COPY a /', true],
    ['a\n!**/c', 'COPY a /', false],
    ['*.log', 'COPY x.log *.log /', true],
    ['', 'COPY a /', false],
  ])('%j, %s: %s', (ignore, copy, isFound) => {
    const places = placesOf(`FROM z AS x\nFROM z\n${copy}\n`, { ignore });
    expect(places.includes('CopyIgnoredFile 3')).toBe(isFound);
  });
});

test(
  'whatever the text, checking it ends with findings inside of it, or with an error that has a code',
  () =>
    holds(
      'checks of any text',
      fc.property(
        fc.oneof(likelyDockerfile, anyText),
        fc.constantFrom('', '*\n!a', 'a\n**/b'),
        fc.constantFrom<CheckWish['base']>({}, 'unknown', { OnBuild: ['COPY $a b', 'ENV a b', 'CMD x'] }),
        (text, ignore, base) => {
          try {
            const count = text.split('\n').length;
            for (const { span } of checkText(text, { ignore, base }).findings) {
              expect(span.line).toBeGreaterThanOrEqual(1);
              expect(span.endLine).toBeGreaterThanOrEqual(span.line);
              expect(span.endLine).toBeLessThanOrEqual(count);
            }
          } catch (error) {
            if (!isTbuildError(error)) throw error;
          }
        },
      ),
    ),
  propertyTimeout,
);
