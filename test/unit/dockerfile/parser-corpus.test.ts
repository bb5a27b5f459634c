import { describe, expect, test } from 'vitest';
import { parseDockerfile } from '../../../src/dockerfile/parse.ts';
import { splitInstructions } from '../../../src/dockerfile/split-instructions.ts';
import { hasCorpus, listCorpus, readCorpus } from './corpus.ts';
import { toSExpression } from './s-expression.ts';

const isPresent = hasCorpus();

describe.skipIf(!isPresent)('every Dockerfile of the corpus is split as BuildKit splits it', () => {
  const cases = listCorpus('parser/testfiles');

  test('the corpus was read', () => {
    expect(cases.length).toBe(33);
  });

  test.each(cases)('%s', (name) => {
    const expected = readCorpus(`parser/testfiles/${name}/result`).trimEnd();
    expect(toSExpression(readCorpus(`parser/testfiles/${name}/Dockerfile`))).toBe(expected);
  });
});

describe.skipIf(!isPresent)('what BuildKit refuses is refused', () => {
  const cases = listCorpus('parser/testfiles-negative');

  test('the corpus was read', () => {
    expect(cases.length).toBe(4);
  });

  test.each(cases)('%s', (name) => {
    const text = readCorpus(`parser/testfiles-negative/${name}/Dockerfile`);
    expect(() => toSExpression(text)).toThrow(expect.objectContaining({ code: 'TBUILD_DOCKERFILE_SYNTAX' }));
    expect(() => parseDockerfile(text, 'Dockerfile')).toThrow(
      expect.objectContaining({ code: 'TBUILD_DOCKERFILE_SYNTAX' }),
    );
  });
});

describe.skipIf(!isPresent)('an instruction starts and ends on the lines that BuildKit says', () => {
  test('testfile-line', () => {
    const { instructions } = splitInstructions(readCorpus('parser/testfile-line/Dockerfile'), 'Dockerfile');
    expect(instructions.map(({ span }) => [span.line, span.endLine])).toEqual([
      [5, 5],
      [11, 12],
      [17, 31],
    ]);
  });
});
