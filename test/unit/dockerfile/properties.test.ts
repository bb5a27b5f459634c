import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expandInstruction } from '../../../src/dockerfile/expand-instruction.ts';
import { expandWord, expandWords } from '../../../src/dockerfile/expand.ts';
import { parseDockerfile } from '../../../src/dockerfile/parse.ts';
import { resolveStages } from '../../../src/dockerfile/stages.ts';
import { splitInstructions } from '../../../src/dockerfile/split-instructions.ts';
import { TbuildError } from '../../../src/errors.ts';
import { removePrefix, removeSuffix, replaceEvery } from '../../../src/dockerfile/shell-pattern.ts';

/** What the function makes, or `undefined` for a TbuildError; anything else fails. */
function orRefused<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof TbuildError) return undefined;
    throw error;
  }
}

const keyword = fc.constantFrom(
  'FROM',
  'RUN',
  'COPY',
  'ADD',
  'ENV',
  'ARG',
  'CMD',
  'LABEL',
  'EXPOSE',
  'USER',
  'WORKDIR',
  'VOLUME',
  'STOPSIGNAL',
  'SHELL',
  'HEALTHCHECK',
  'MAINTAINER',
  'ONBUILD',
  'ENTRYPOINT',
  'from',
  'Foo',
);
const piece = fc.oneof(
  fc.constantFrom(
    ' ',
    '\t',
    '\n',
    '\r\n',
    '\r',
    '\\',
    '\\\n',
    '\\ \n',
    '`',
    '"',
    "'",
    '$',
    '${',
    '}',
    ':-',
    '#',
    '# ',
    '##',
    '%',
    '/',
    '*',
    '?',
    '[',
    ']',
    '["a", "b"]',
    '<<',
    '<<EOF',
    '\nEOF\n',
    '=',
    '--from=',
    '--chown=',
    '--',
    ',',
    '\u00a0',
    '\uFEFF',
    '\0',
    '\ud800',
    '😀',
    'AS',
    'x',
    '0',
    'CMD',
    'NONE',
    '# escape=`\n',
  ),
  fc.string({ unit: 'binary', maxLength: 5 }),
  keyword.map((word) => `\n${word} `),
);
const text = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(''));

describe('whatever the text, nothing but a TbuildError is thrown', () => {
  test('by the parser and everything behind it', () => {
    fc.assert(
      fc.property(fc.boolean(), text, (hasFrom, body) => {
        const dockerfile = orRefused(() => parseDockerfile(hasFrom ? `FROM a AS b\n${body}` : body, 'f'));
        if (dockerfile === undefined) return;
        expect(JSON.parse(JSON.stringify(dockerfile))).toEqual(dockerfile);
        orRefused(() =>
          resolveStages(dockerfile, { buildArgs: new Map(), platform: { os: 'linux', architecture: 'amd64' } }),
        );
        for (const instruction of dockerfile.stages.flatMap(({ instructions }) => instructions)) {
          orRefused(() => expandInstruction(instruction, new Map([['x', 'y z']]), dockerfile.escape));
        }
      }),
      { numRuns: 3_000 },
    );
  });

  test('by the expander', () => {
    fc.assert(
      fc.property(text, fc.constantFrom('\\', '`'), (word, escape) => {
        const env = new Map([
          ['x', 'a b'],
          ['EOF', ''],
        ]);
        const whole = orRefused(() => expandWord(word, env, escape));
        const words = orRefused(() => expandWords(word, env, escape));
        expect(whole === undefined).toBe(words === undefined);
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('instructions', () => {
  test('lie in the file in order, one behind the other, and their lines hold their text', () => {
    fc.assert(
      fc.property(text, (body) => {
        const split = orRefused(() => splitInstructions(body, 'f'));
        let end = 0;
        const lines = body.replace(/^\uFEFF/, '').split('\n');
        for (const { span, text: joined, keyword: first } of split?.instructions ?? []) {
          expect(span.line).toBeGreaterThan(end);
          expect(span.endLine).toBeGreaterThanOrEqual(span.line);
          end = span.endLine;
          expect(joined.startsWith(first)).toBe(true);
          expect(lines[span.line - 1]?.slice(span.column - 1).startsWith(joined.charAt(0))).toBe(true);
        }
        expect(end).toBeLessThanOrEqual(lines.length);
      }),
      { numRuns: 3_000 },
    );
  });

  test('every line of text that is no comment belongs to exactly one', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('A b', 'A b \\', '# c', '# c \\', '', ' ', '  d', '\td \\\\', 'e \\ \\', '\\'), {
          maxLength: 12,
        }),
        (lines) => {
          const { instructions } = orRefused(() => splitInstructions(lines.join('\n'), 'f')) ?? { instructions: [] };
          const owned = new Set(
            instructions.flatMap(({ span }) =>
              Array.from({ length: span.endLine - span.line + 1 }, (_, index) => span.line + index),
            ),
          );
          for (const [index, line] of lines.entries()) {
            if (/^\s*(#|\\?$)/.test(line)) continue;
            expect(owned).toContain(index + 1);
          }
          expect(instructions.map((each) => each.text)).toEqual(joinNaively(lines));
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

/** The continuation rule once more, in the plainest way: the tree must come to the same. */
function joinNaively(lines: readonly string[]): readonly string[] {
  const found: string[] = [];
  let open: string | undefined;
  for (const line of lines) {
    if (/^\s*#/.test(line) || line.trim() === '') continue;
    const continues = /(^|[^\\])\\[ \t]*$/.test(line);
    open = (open ?? '') + (continues ? line.replace(/\\[ \t]*$/, '') : line);
    if (continues) continue;
    found.push(open.trim());
    open = undefined;
  }
  return [...found, open?.trim() ?? ''].filter((each) => each !== '');
}

describe('patterns', () => {
  const small = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?', '\n'), maxLength: 8 });
  const toExpression = (pattern: string, star: string): string =>
    Array.from(pattern, (character) => ({ '*': star, '?': '.', '\n': '\\n' })[character] ?? character).join('');
  const reversed = (value: string): string => Array.from(value).toReversed().join('');

  test('match what the same regular expression matches', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', 'b', '\n'), maxLength: 12 }), small, (value, pattern) => {
        // A line end in a pattern with `*` is the one place where a `*` that gives way would match more.
        fc.pre(!(pattern.includes('\n') && pattern.includes('*')));
        for (const [isGreedy, star] of [
          [false, '.*?'],
          [true, '.*'],
        ] as const) {
          expect(removePrefix(value, pattern, isGreedy)).toBe(
            value.replace(new RegExp(`^${toExpression(pattern, star)}`, 'u'), ''),
          );
          const backward = reversed(value).replace(new RegExp(`^${toExpression(reversed(pattern), star)}`, 'u'), '');
          expect(removeSuffix(value, pattern, isGreedy)).toBe(reversed(backward));
        }
        if (pattern.replaceAll('*', '') === '') return;
        expect(replaceEvery(value, pattern, '-', 1e6)).toBe(
          value.replaceAll(new RegExp(toExpression(pattern, '.*'), 'gu'), '-'),
        );
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('long hostile text is read in time that grows with its length', () => {
  const line = 60_000;
  test.each([
    ['instructions', 'FROM a\nRUN b\n'.repeat(50_000)],
    [
      'stages',
      Array.from(
        { length: 20_000 },
        (_, index) => `FROM s${index - 1} AS s${index}\nCOPY --from=${index === 0 ? 'x' : index - 1} a b\n`,
      ).join(''),
    ],
    ['comments', `FROM a\n${'# c\n'.repeat(200_000)}`],
    ['comments between stages', 'FROM a\n# c\n'.repeat(50_000)],
    ['one instruction of many lines', `FROM a\nRUN b ${'\\\n c'.repeat(200_000)}`],
    ['many blank lines in a continuation', `FROM a\nRUN b \\\n${'\n'.repeat(200_000)}c`],
    ['escapes', `FROM a\nENV ${'\\ '.repeat(line / 2)}=\n`.repeat(4)],
    ['blanks', `FROM a\nENV a=b${' '.repeat(line)}c=d\nARG${' '.repeat(line)}\n`],
    ['blanks in directives', `# syntax${' '.repeat(line)}\nFROM a`],
    ['blanks behind a directive', `# escape=x${' '.repeat(line)}y\nFROM a`],
    ['flags', `FROM a\nCOPY ${'--link '.repeat(line / 8)}\n`],
    ['quotes', `FROM a\nRUN ${'"<<'.repeat(line / 4)}`],
    ['heredoc marks', `FROM a\nRUN ${'a<< '.repeat(line / 5)}`],
    ['brackets', `FROM a\nCMD ${'['.repeat(line)}`],
    ['JSON', `FROM a\nCMD [${'"a",'.repeat(line / 5)}"b"]`],
    ['ports', `FROM a\nEXPOSE ${'$x '.repeat(line / 4)}`],
    ['one long keyword', `FROM a\n${'x'.repeat(line)}`],
    ['a keyword over many lines', `FROM a\n${'x\\\n'.repeat(100_000)}`],
    ['ONBUILD', `FROM a\n${'ONBUILD RUN '.repeat(line / 13)}`],
  ])('%s', (_, hostile) => {
    const started = performance.now();
    const dockerfile = orRefused(() => parseDockerfile(hostile, 'f'));
    if (dockerfile !== undefined) {
      orRefused(() =>
        resolveStages(dockerfile, { buildArgs: new Map(), platform: { os: 'linux', architecture: 'amd64' } }),
      );
    }
    expect(performance.now() - started).toBeLessThan(4_000);
  });
});
