import { describe, expect, test } from 'vitest';
import type { VariableReferences } from '../../../src/dockerfile/expand.ts';
import { expandInstruction } from '../../../src/dockerfile/expand-instruction.ts';
import { errorOf, failureOf, instructionsOf } from './helpers.ts';

const env = new Map([
  ['A', 'x'],
  ['S', 'a b'],
  ['P', '80 90/UDP'],
  ['K', 'key'],
  ['U', 'https://example.com/x'],
  ['M', '600'],
]);

function expanded(line: string, references?: VariableReferences): object {
  const [instruction] = instructionsOf(line);
  if (instruction === undefined) throw new TypeError('no instruction');
  const { span: _, text, ...fields } = expandInstruction(instruction, env, '\\', references);
  expect(text).toBe(instruction.text);
  return fields;
}

// Each was run through docker build (BuildKit).
describe('docker expands', () => {
  test.each([
    [
      'COPY --chown=$A:${A} --chmod=$M "$A"/f \'$A\' ${A}2/',
      { sources: ['x/f', '$A'], destination: 'x2/', chown: 'x:x', chmod: '600' },
    ],
    ['COPY ["$S", "\\\\$A"]', { sources: ['a b'], destination: '$A' }],
    ['COPY a\\ b /x', { sources: ['a', 'b'], destination: '/x' }],
    ['COPY --chown=$Q a /x', { chown: undefined }],
    ['ADD $A ""', { sources: ['x'], destination: '' }],
    [
      'ENV A=bye def=$A $K=v "q"=\'$A\'',
      {
        pairs: [
          ['A', 'bye'],
          ['def', 'x'],
          ['key', 'v'],
          ['q', '$A'],
        ],
      },
    ],
    ['ENV a $A \\$A  "$A" \'$A\'', { pairs: [['a', 'x $A  x $A']] }],
    ['ENV ""=x', { pairs: [['', 'x']] }],
    [
      'LABEL $K=v "$K 2"=$A a="b  c"',
      {
        pairs: [
          ['key', 'v'],
          ['key 2', 'x'],
          ['a', 'b  c'],
        ],
      },
    ],
    [
      'ARG a=$A b=$a $n=foo c',
      {
        args: [
          ['a', 'x'],
          ['b', 'x'],
          ['$n', 'foo'],
          ['c', undefined],
        ],
      },
    ],
    ["EXPOSE $P 70 ${Q:-1}/tcp $Q ''", { ports: ['80', '90/UDP', '1/tcp', '70'] }],
    ['USER $S', { user: 'a b' }],
    ['USER "a b"', { user: 'a b' }],
    ['WORKDIR /$S\\$c', { path: '/a b$c' }],
    ['VOLUME ["$S", "x"]', { paths: ['a b', 'x'] }],
    ['VOLUME $S "/c"', { paths: ['a b', '/c'] }],
    ['STOPSIGNAL $A', { signal: 'x' }],
  ])('%s', (line, fields) => {
    const [name] = Object.keys(fields);
    const pairs = (list: readonly (readonly (string | undefined)[])[], first: string): object[] =>
      list.map(([left, value]) => ({ [first]: left, value }));
    const wanted =
      'pairs' in fields
        ? { pairs: pairs(fields.pairs, 'key') }
        : 'args' in fields
          ? { args: pairs(fields.args, 'name') }
          : fields;
    expect(name).toBeDefined();
    expect(expanded(line)).toMatchObject(wanted);
  });
});

describe('docker does not expand', () => {
  test.each([
    ['RUN echo $A', { command: { form: 'shell', text: 'echo $A' } }],
    ['CMD ["$A"]', { command: { form: 'exec', argv: ['$A'] } }],
    ['ENTRYPOINT $A', { command: { form: 'shell', text: '$A' } }],
    ['SHELL ["$A"]', { argv: ['$A'] }],
    ['HEALTHCHECK CMD $A', { check: { command: { form: 'shell', text: '$A' } } }],
    ['MAINTAINER "$A"', { name: '"$A"' }],
    ['ONBUILD ENV a=$A', { trigger: 'ENV a=$A' }],
    ['COPY --from=x a /x', { from: 'x' }],
  ])('%s', (line, fields) => {
    expect(expanded(line)).toMatchObject(fields);
  });
});

test.each([
  [
    'COPY "a b" /x',
    'TBUILD_EXPANSION failed to process ""a": unexpected end of statement while looking for matching double-quote',
  ],
  [
    'EXPOSE "80 90"',
    'TBUILD_EXPANSION failed to process ""80": unexpected end of statement while looking for matching double-quote',
  ],
  [
    'ENV a="b',
    'TBUILD_EXPANSION failed to process ""b": unexpected end of statement while looking for matching double-quote',
  ],
  [
    'ARG "a=x y"',
    'TBUILD_EXPANSION failed to process "x y"": unexpected end of statement while looking for matching double-quote',
  ],
  ['VOLUME $Q', 'TBUILD_DOCKERFILE_SYNTAX VOLUME specified can not be an empty string'],
  [
    'COPY --chmod=$A a /x',
    "TBUILD_DOCKERFILE_SYNTAX invalid chmod parameter: 'x'. it should be octal string and between 0 and 07777",
  ],
  [
    'COPY --chmod=${Q:-u+q} a /x',
    "TBUILD_DOCKERFILE_SYNTAX invalid chmod parameter: 'u+q'. it should be octal string and between 0 and 07777",
  ],
  ['COPY $U /x', "TBUILD_DOCKERFILE_SYNTAX source can't be a URL for COPY"],
  ['ADD --checksum=$A $U /x', 'TBUILD_DOCKERFILE_SYNTAX invalid checksum x'],
  ['ADD --checksum=abcdef0 $A /x', 'TBUILD_DOCKERFILE_SYNTAX checksum requires HTTP(S) or Git sources'],
])('%s is refused with its place: %s', (line, message) => {
  expect(failureOf(() => expanded(line))).toBe(message);
  expect(errorOf(() => expanded(line)).span).toMatchObject({ file: 'Dockerfile', line: 2 });
});

test('the names that were looked up are told, over all fields', () => {
  const references: VariableReferences = { used: new Set(), unset: new Set() };
  expanded('COPY --chown=$A --from=q $S $R', references);
  expect([...references.used].toSorted()).toEqual(['A', 'S']);
  expect([...references.unset]).toEqual(['R']);
});
