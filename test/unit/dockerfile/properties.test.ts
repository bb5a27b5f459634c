import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expandInstruction } from '../../../src/dockerfile/expand-instruction.ts';
import { expandWord, expandWords } from '../../../src/dockerfile/expand.ts';
import type { ExpandOptions } from '../../../src/dockerfile/expand.ts';
import { findCopySource } from '../../../src/dockerfile/find-stage.ts';
import type { Dockerfile } from '../../../src/dockerfile/instruction.ts';
import { changeKinds, parseInstruction } from '../../../src/dockerfile/parse-instruction.ts';
import { parseDockerfile } from '../../../src/dockerfile/parse.ts';
import { resolveStages } from '../../../src/dockerfile/stages.ts';
import { splitInstructions } from '../../../src/dockerfile/split-instructions.ts';
import { TbuildError } from '../../../src/errors.ts';
import { removePrefix, removeSuffix, replaceEvery } from '../../../src/dockerfile/shell-pattern.ts';
import { formatGraph, planGraph } from '../../../src/graph/plan.ts';
import { holds, propertyTimeout } from '../../helpers/property.ts';
import { anyText, flaggedInstruction, likelyDockerfile } from './arbitraries.ts';
import { printDockerfile } from './print.ts';

/** What the function makes, or `undefined` for a TbuildError; anything else fails. */
function orRefused<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof TbuildError) return undefined;
    throw error;
  }
}

const amd64 = { os: 'linux', architecture: 'amd64' };
const variables = new Map([
  ['x', 'y z'],
  ['V', 'value'],
  ['EOF', ''],
]);

describe('whatever the text, nothing but a TbuildError is thrown', () => {
  test('by the parser and everything behind it', { timeout: propertyTimeout }, async () => {
    await holds(
      'parse, resolve, plan and expand',
      fc.property(fc.boolean(), fc.oneof(anyText, likelyDockerfile), (hasFrom, body) => {
        const dockerfile = orRefused(() => parseDockerfile(hasFrom ? `FROM a AS b\n${body}` : body, 'f'));
        if (dockerfile === undefined) return;
        expect(JSON.parse(JSON.stringify(dockerfile))).toEqual(dockerfile);
        orRefused(() => {
          const resolved = resolveStages(dockerfile, { buildArgs: new Map(), platform: amd64 });
          formatGraph(planGraph(resolved.stages, (name, span) => findCopySource(resolved.names, name, span)));
        });
        for (const instruction of dockerfile.stages.flatMap(({ instructions }) => instructions)) {
          orRefused(() => expandInstruction(instruction, variables, dockerfile.escape));
          const { kind, span } = instruction;
          if (kind === 'onbuild') orRefused(() => parseInstruction(instruction.trigger, { file: 'f', span }));
        }
      }),
    );
  });

  test('by the readers of flags', { timeout: propertyTimeout }, async () => {
    await holds(
      'flags',
      fc.property(flaggedInstruction, (line) => {
        orRefused(() => parseDockerfile(line, 'f'));
        orRefused(() => parseInstruction(`ONBUILD ${line}`, { file: 'f', allowed: changeKinds }));
        const behind = orRefused(() => parseDockerfile(`FROM a\n${line}`, 'f'));
        const alone = orRefused(() => parseInstruction(line, { file: 'f' }));
        // What stands by itself is what it is in a file.
        expect(alone?.kind).toBe(alone === undefined ? undefined : behind?.stages[0]?.instructions[0]?.kind);
      }),
    );
  });

  test('by the expander', { timeout: propertyTimeout }, async () => {
    const mode = fc.record<ExpandOptions>(
      {
        quotes: fc.constantFrom('remove', 'keep', 'plain'),
        escapes: fc.constantFrom('remove', 'keep'),
        unset: fc.constantFrom('empty', 'keep'),
      },
      { requiredKeys: [] },
    );
    await holds(
      'expand',
      fc.property(anyText, fc.constantFrom('\\', '`'), mode, (word, escape, options) => {
        const whole = orRefused(() => expandWord(word, variables, escape, options));
        const words = orRefused(() => expandWords(word, variables, escape, options));
        expect(whole === undefined).toBe(words === undefined);
      }),
    );
  });
});

describe('what is printed', () => {
  /** Places and texts are those of another file. */
  const withoutPlaces = ({ escape, globalArgs, stages }: Dockerfile): unknown => {
    const place = { span: undefined, text: undefined };
    return {
      escape,
      globalArgs: globalArgs.map(({ args }) => args),
      stages: stages.map(({ instructions, ...stage }) => ({
        ...stage,
        ...place,
        instructions: instructions.map((instruction) => ({
          ...instruction,
          ...place,
          ...(instruction.kind === 'run' ? { mounts: instruction.mounts.map(({ fields }) => fields) } : {}),
        })),
      })),
    };
  };

  test('is read as the same again', { timeout: propertyTimeout }, async () => {
    let read = 0;
    await holds(
      'parse, print, parse',
      fc.property(
        fc.oneof(
          likelyDockerfile,
          anyText.map((text) => `FROM a\n${text}`),
        ),
        (text) => {
          const first = orRefused(() => parseDockerfile(text, 'f'));
          if (first === undefined) return;
          read++;
          const printed = printDockerfile(first);
          const second = parseDockerfile(printed, 'f');
          expect(withoutPlaces(second)).toEqual(withoutPlaces(first));
          expect(printDockerfile(second)).toBe(printed);
        },
      ),
    );
    expect(read).toBeGreaterThan(200);
  });
});

describe('instructions', () => {
  test(
    'lie in the file in order, one behind the other, and their lines hold their text',
    { timeout: propertyTimeout },
    async () => {
      await holds(
        'places',
        fc.property(fc.oneof(anyText, likelyDockerfile), (body) => {
          const split = orRefused(() => splitInstructions(body, 'f'));
          let end = 0;
          const lines = body.replace(/^\uFEFF/, '').split('\n');
          for (const raw of split?.instructions ?? []) {
            const { span, text: joined, keyword: first, flags, place } = raw;
            expect(span.line).toBeGreaterThan(end);
            expect(span.endLine).toBeGreaterThanOrEqual(span.line);
            end = span.endLine;
            expect(joined.startsWith(first)).toBe(true);
            for (const { start } of [{ start: 0 }, ...flags]) {
              const { line, column } = place(start, start + 1);
              const shown = (lines[line - 1] ?? '').replaceAll(/\p{Surrogate}/gu, '\uFFFD');
              expect(shown.charAt(column - 1)).toBe(raw.line.charAt(start));
            }
          }
          expect(end).toBeLessThanOrEqual(lines.length);
        }),
      );
    },
  );

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
    orRefused(() => resolveStages(dockerfile, { buildArgs: new Map(), platform: amd64 }));
  }
  return process.cpuUsage(before).user;
}
