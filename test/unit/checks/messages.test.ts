import { expect, test } from 'vitest';
import { checkText, warningsOf } from './helpers.ts';

const casing = (word: string, line: number, majority = 'upper'): string =>
  `ConsistentInstructionCasing: Command '${word}' should match the case of the command majority (${majority}case) (line ${line})`;
const fromAs = (as: string, from: string): string =>
  `FromAsCasing: '${as}' and '${from}' keywords' casing do not match (line 1)`;
const jsonArgs = (word: string, line: number): string =>
  `JSONArgsRecommended: JSON arguments recommended for ${word} to prevent unintended behavior related to OS signals (line ${line})`;
const multiple = (word: string, line: number): string =>
  `MultipleInstructionsDisallowed: Multiple ${word} instructions should not be used in the same stage because only the last one will be used (line ${line})`;
const legacy = (word: string, line: number): string =>
  `LegacyKeyValueFormat: "${word} key=value" should be used instead of legacy "${word} key value" format (line ${line})`;

// Each was run through docker build (BuildKit), whose wording and lines these are.
test.each([
  [['FROM a', 'RUN b', 'CMD ["c"]'], []],
  [['from a', 'run b'], []],
  [['FROM a', 'run b'], [casing('run', 2)]],
  [['from a as b', 'RUN c'], [casing('from', 1)]],
  [['from a', 'run b', 'RUN c'], [casing('RUN', 3, 'lower')]],
  [
    ['From a aS b', 'Run c', 'rUN d'],
    [casing('From', 1), casing('Run', 2), casing('rUN', 3)],
  ],
  [
    ['FROM a', 'Env b=c', 'env d=e'],
    [casing('Env', 2), casing('env', 3)],
  ],
  [['FROM a as b'], [fromAs('as', 'FROM')]],
  [['from a As b', 'run c'], [fromAs('As', 'from')]],
  [['FROM a AS Foo'], ["StageNameCasing: Stage name 'Foo' should be lowercase (line 1)"]],
  [
    ['FROM a AS x', 'FROM b AS x'],
    ['DuplicateStageName: Duplicate stage name "x", stage names should be unique (line 2)'],
  ],
  [
    ['FROM a AS scratch', 'FROM b AS context'],
    [
      'ReservedStageName: Stage name should not use the same name as reserved stage "scratch" (line 1)',
      'ReservedStageName: Stage name should not use the same name as reserved stage "context" (line 2)',
    ],
  ],
  [
    ['FROM a', 'MAINTAINER b'],
    ['MaintainerDeprecated: Maintainer instruction is deprecated in favor of using label (line 2)'],
  ],
  [
    ['FROM a', 'ENV b c', 'LABEL d e', 'ENV f=g', 'ONBUILD ENV h i'],
    [legacy('ENV', 2), legacy('LABEL', 3)],
  ],
  [['FROM a', 'RUN b \\', '', '  c \\', ' ', 'd'], ['NoEmptyContinuation: Empty continuation line (line 6)']],
  [['FROM a', 'RUN b \\', ' \\', '# c', 'd'], []],
  [['FROM a', 'RUN b \\', '', ''], ['NoEmptyContinuation: Empty continuation line (line 3)']],
  [
    ['FROM a', 'CMD b', 'CMD ["c"]', 'ENTRYPOINT ["d"]', 'ENTRYPOINT e', 'HEALTHCHECK NONE', 'HEALTHCHECK CMD f'],
    [
      multiple('CMD', 2),
      jsonArgs('CMD', 2),
      multiple('ENTRYPOINT', 4),
      jsonArgs('ENTRYPOINT', 5),
      multiple('HEALTHCHECK', 6),
    ],
  ],
  [['from a', 'cmd b'], [jsonArgs('cmd', 2)]],
  [['FROM a', 'CMD b', 'FROM a', 'CMD ["c"]'], [jsonArgs('CMD', 2)]],
  [['FROM a', 'SHELL ["b"]', 'CMD c', 'ENTRYPOINT d'], []],
  [['FROM a AS b', 'SHELL ["c"]', 'FROM b', 'CMD d'], []],
  [['FROM a', 'ONBUILD CMD b'], []],
])('%j', (lines, warnings) => {
  expect(warningsOf(lines.join('\n')).toSorted()).toEqual([...warnings].toSorted());
});

test('warnings come in the order of the file', () => {
  const text = ['FROM a', 'CMD b', 'run c', 'MAINTAINER d', 'ENV e f'].join('\n');
  const lines = checkText(text).findings.map(({ span }) => span.line);
  expect(lines).toEqual([2, 3, 4, 5]);
});
