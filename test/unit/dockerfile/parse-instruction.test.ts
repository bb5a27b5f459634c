import { describe, expect, test } from 'vitest';
import { changeKinds, parseInstruction } from '../../../src/dockerfile/parse-instruction.ts';
import { failureOf } from './helpers.ts';

describe('an ONBUILD trigger of a base image', () => {
  const trigger = { file: 'ONBUILD of base:1' };

  test('is read like an instruction of the file', () => {
    expect(parseInstruction('run   echo $X', trigger)).toEqual({
      kind: 'run',
      command: { form: 'shell', text: 'echo $X' },
      script: undefined,
      network: undefined,
      security: undefined,
      mounts: [],
      text: 'run   echo $X',
      span: { file: 'ONBUILD of base:1', line: 1, column: 1, endLine: 1, endColumn: 14 },
    });
  });

  test('takes the place that it is given; its escape is a backslash', () => {
    const span = { file: 'Dockerfile', line: 7, column: 1, endLine: 7, endColumn: 9 };
    expect(parseInstruction('ENV a=`b\\ c', { ...trigger, span })).toMatchObject({
      span,
      pairs: [{ key: 'a', value: '`b\\ c' }],
    });
  });

  test.each([
    ['FROM x', "FROM isn't allowed in ONBUILD of base:1"],
    ['MAINTAINER x', "MAINTAINER isn't allowed in ONBUILD of base:1"],
    ['ONBUILD RUN x', "ONBUILD isn't allowed in ONBUILD of base:1"],
    ['COPY a', 'COPY requires at least two arguments, but only one was provided. Destination could not be determined'],
    ['FOO x', 'unknown instruction: FOO'],
    ['', 'no instruction in ONBUILD of base:1'],
    ['RUN a\nRUN b', 'more than one instruction in ONBUILD of base:1'],
  ])('%j is refused: %s', (text, message) => {
    expect(failureOf(() => parseInstruction(text, trigger))).toBe(`TBUILD_DOCKERFILE_SYNTAX ${message}`);
  });

  test('may end with the bodies of its heredocs', () => {
    expect(parseInstruction('RUN cat <<EOF <<-X\nhi\nEOF\n\tx\n\tX', trigger)).toMatchObject({
      command: { form: 'shell', text: 'cat <<EOF <<-X\nhi\nEOF\n\tx\nX' },
    });
    expect(parseInstruction('COPY <<EOF /x\nhi\nEOF', trigger)).toMatchObject({
      sources: [],
      inlineFiles: [{ name: 'EOF', content: 'hi\n', expands: true }],
    });
  });

  test.each([
    ['COPY <<EOF /x\nhi', 'unterminated heredoc EOF'],
    ['COPY <<EOF /x\nhi\nEOF\nRUN a', 'more than one instruction in ONBUILD of base:1'],
  ])('%j is refused: %s', (text, message) => {
    expect(failureOf(() => parseInstruction(text, trigger))).toBe(`TBUILD_DOCKERFILE_SYNTAX ${message}`);
  });
});

describe('import --change', () => {
  const change = { file: '--change', allowed: changeKinds };

  // What `docker import --change` takes.
  test.each([
    'ENV a b',
    'env A=$PATH',
    'LABEL a=b',
    'HEALTHCHECK NONE',
    'STOPSIGNAL 9',
    'ONBUILD RUN x',
    'CMD ["a"]',
    'ENTRYPOINT x',
    'EXPOSE 80',
    'USER x',
    'VOLUME /a',
    'WORKDIR x',
  ])('%s', (text) => {
    expect(parseInstruction(text, change).text).toBe(text);
  });

  test.each(['RUN x', 'COPY a b', 'SHELL ["a"]', 'MAINTAINER x', 'ARG a', 'FROM x'])('not %s', (text) => {
    expect(failureOf(() => parseInstruction(text, change))).toBe(
      `TBUILD_DOCKERFILE_SYNTAX ${text.split(' ')[0]} isn't allowed in --change`,
    );
  });
});
