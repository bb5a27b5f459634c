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
      { numRuns: 1_000 },
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
      { numRuns: 1_000 },
    );
  });
});

describe('instructions', () => {
  test('lie in the file in order, one behind the other, and their lines hold their text', () => {
    fc.assert(
      fc.property(text, (body) => {
        const split = orRefused(() => splitInstructions(body, 'f'));
        let end = 0;
        // What cannot be written to a file is not read from one.
        const lines = Buffer.from(body)
          .toString()
          .replace(/^\uFEFF/, '')
          .split('\n');
        for (const { span, text: joined, keyword: first } of split?.instructions ?? []) {
          expect(span.line).toBeGreaterThan(end);
          expect(span.endLine).toBeGreaterThanOrEqual(span.line);
          end = span.endLine;
          expect(joined.startsWith(first)).toBe(true);
          expect(lines[span.line - 1]?.slice(span.column - 1).startsWith(joined.charAt(0))).toBe(true);
        }
        expect(end).toBeLessThanOrEqual(lines.length);
      }),
      { numRuns: 1_000 },
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
      { numRuns: 1_000 },
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
      { numRuns: 1_000 },
    );
  });
});

describe('long hostile text is read in time that grows with its length', () => {
  const repeat =
    (head: string, piece: string, tail = ''): ((size: number) => string) =>
    (size) =>
      head + piece.repeat(size / piece.length) + tail;
  const stages = (size: number): string =>
    Array.from(
      { length: size / 32 },
      (_, index) => `FROM s${index - 1} AS s${index}\nCOPY --from=${index === 0 ? 'x' : index - 1} a b\n`,
    ).join('');
  // A line has at most 65,535 bytes, so that one of 40,000 stands for the longest.
  const inLines =
    (piece: string): ((size: number) => string) =>
    (size) =>
      `FROM a\n${`${piece.repeat(40_000 / piece.length)}\n`.repeat(size / 40_000)}`;

  test.each<[string, (size: number) => string]>([
    ['instructions', repeat('', 'FROM a\nRUN b\n')],
    ['stages that copy from each other', stages],
    ['stages of one name', repeat('', 'FROM a AS a\n')],
    ['comments', repeat('FROM a\n', '# c\n')],
    ['comments between stages', repeat('', 'FROM a\n# c\n')],
    ['one instruction of many lines', repeat('FROM a\nRUN b', ' \\\n c')],
    ['blank lines in a continuation', repeat('FROM a\nRUN b \\\n', '\n', 'c')],
    ['a keyword over many lines', repeat('FROM a\n', 'x\\\n')],
    ['a JSON form over many lines', repeat('FROM a\nRUN [', '"a", \\\n', '"b"]')],
    ['pairs over many lines', repeat('FROM a\nENV', ' a="b" \\\n')],
    ['flags over many lines', repeat('FROM a\nCOPY', ' --link=x \\\n')],
    ['escapes', inLines('ENV \\ \\ ')],
    ['blanks', inLines('ENV a=b                    ')],
    ['quotes', inLines('RUN "<<')],
    ['heredoc marks', inLines('RUN a<< ')],
    ['brackets', inLines('CMD [')],
    ['ports', inLines('EXPOSE $x ')],
    ['one long word', inLines('RUN')],
    ['triggers', inLines('ONBUILD ')],
  ])('%s', { timeout: 60_000 }, (_, make) => {
    const small = Math.min(cpuTime(make(30_000)), cpuTime(make(30_000)));
    // Eight times the size would be 64 times the time if it were quadratic. Below 15 ms it is all warming up.
    expect(cpuTime(make(240_000))).toBeLessThan(24 * Math.max(small, 15_000));
  });

  test.each([
    ['blanks behind a directive name', `# syntax${' '.repeat(60_000)}\nFROM a`],
    ['blanks in a directive value', `# escape=x${' '.repeat(60_000)}y\nFROM a`],
    ['blanks in a check', `# check=skip=${' ,'.repeat(30_000)}\nFROM a`],
  ])('%s', (_, hostile) => {
    expect(cpuTime(hostile)).toBeLessThan(500_000);
  });
});

/** Microseconds of the process: unlike the clock, it does not see what else the machine does. */
function cpuTime(hostile: string): number {
  const before = process.cpuUsage();
  const dockerfile = orRefused(() => parseDockerfile(hostile, 'f'));
  if (dockerfile !== undefined) {
    orRefused(() =>
      resolveStages(dockerfile, { buildArgs: new Map(), platform: { os: 'linux', architecture: 'amd64' } }),
    );
  }
  return process.cpuUsage(before).user;
}
