import { describe, expect, test } from 'vitest';
import { expandInstruction } from '../../../src/dockerfile/expand-instruction.ts';
import { errorOf, instructionOf, instructionsOf, parse } from './helpers.ts';

const shell = (text: string): object => ({ form: 'shell', text });
const commandOf = (...lines: readonly string[]): unknown => {
  const instruction = instructionsOf(...lines)[0];
  return instruction?.kind === 'run' ? instruction.command : undefined;
};

// Each was run through docker build (BuildKit).
describe('RUN', () => {
  test.each<[string, readonly string[], string]>([
    ['a heredoc alone is the text of the shell', ['RUN <<EOF', 'a', ' b "$HOME"', 'EOF'], 'a\n b "$HOME"\n'],
    ['quoted, too', ['RUN <<"EOF"', '$A', 'EOF'], '$A\n'],
    ['with a number', ['RUN 3<<EOF', 'a', 'EOF'], 'a\n'],
    ['with a blank', ['RUN << EOF', 'a', 'EOF'], 'a\n'],
    ['behind flags', ['RUN --network=none <<EOF', 'a', 'EOF'], 'a\n'],
    ['empty', ['RUN <<EOF', 'EOF'], ''],
    ['of blank lines', ['RUN <<EOF', '', '', 'EOF'], '\n\n'],
    ['with tabs before its lines', ['RUN <<-EOF', '\ta', '', '\t\tb\tc', '  \td', '\tEOF'], 'a\n\nb\tc\n  \td\n'],
    ['tabs before #! hide it', ['RUN <<-EOF', '\t#!/bin/x', '\tEOF'], '#!/bin/x\n'],
    ['#! in a later line is a comment', ['RUN <<EOF', '', '#!/bin/x', 'EOF'], '\n#!/bin/x\n'],
    ['line and body of another command', ['RUN <<-EOF sh', '\ta', '\tEOF'], '<<-EOF sh\n\ta\nEOF'],
    ['several', ['RUN cat <<A >a && cat <<"B" >b', 'a', 'A', 'b', 'B'], 'cat <<A >a && cat <<"B" >b\na\nA\nb\nB'],
    ['two alone', ['RUN <<A <<B', '#!/bin/x', 'A', 'B'], '<<A <<B\n#!/bin/x\nA\nB'],
    ['two with blanks', ['RUN echo << a << b', 'x', 'a', 'y', 'b'], 'echo << a << b\nx\na\ny\nb'],
    ['a number and a blank', ['RUN cat <&3 3<< EOF', 'x', 'EOF'], 'cat <&3 3<< EOF\nx\nEOF'],
    ['a blank before the dash', ['RUN cat << -EOF', 'x', '-EOF'], 'cat << -EOF\nx\n-EOF'],
    ['arguments behind it', ['RUN cat - <<EOF -', 'x', 'EOF'], 'cat - <<EOF -\nx\nEOF'],
    ['a semicolon is part of the name', ['RUN cat <<EOF; echo', 'x', 'EOF;'], 'cat <<EOF; echo\nx\nEOF;'],
    ['arithmetic with blanks', ['RUN echo $((1 << 2))', 'x', '2))'], 'echo $((1 << 2))\nx\n2))'],
    ['quotes inside the name', ['RUN cat <<E"O P"F', 'x', 'EO PF'], 'cat <<E"O P"F\nx\nEO PF'],
    ['a hash', ['RUN cat <<#x', 'a', '#x'], 'cat <<#x\na\n#x'],
    ['in a default', ['RUN echo ${x:-a <<EOF b}', 'x', 'EOF'], 'echo ${x:-a <<EOF b}\nx\nEOF'],
    ['in the quotes of one', ['RUN echo ${x:-"a <<EOF b"}', 'x', 'EOF'], 'echo ${x:-"a <<EOF b"}\nx\nEOF'],
    ['beside ${x:?}', ['RUN echo ${x:?y} <<EOF', 'x', 'EOF'], 'echo ${x:?y} <<EOF\nx\nEOF'],
    ['beside ${x:@}', ['RUN echo ${x:@y} <<EOF', 'x', 'EOF'], 'echo ${x:@y} <<EOF\nx\nEOF'],
    ['over two lines', ['RUN cat << \\', '  # comment', '  EOF', 'x \\', 'EOF'], 'cat <<   EOF\nx \\\nEOF'],
    [
      'comments in the body',
      ['RUN cat <<EOF', '', '# a', '  # b', 'RUN x', 'EOF'],
      'cat <<EOF\n\n# a\n  # b\nRUN x\nEOF',
    ],
    ['not JSON after all', ['RUN ["a", <<EOF', 'x', 'EOF'], '["a", <<EOF\nx\nEOF'],
  ])('%s', (_, lines, text) => {
    expect(commandOf(...lines)).toEqual(shell(text));
  });

  test('a heredoc that begins with #! is executed itself', () => {
    expect(instructionOf('RUN <<"s"', '#!/bin/cat', 'a', 's')).toEqual({
      kind: 'run',
      command: shell('/dev/pipes/s'),
      script: { name: 's', content: '#!/bin/cat\na\n' },
      network: undefined,
      security: undefined,
      mounts: [],
    });
    expect(instructionOf('RUN <<-s', '#!/bin/cat', '\t\ta', '\ts')).toMatchObject({
      script: { content: '#!/bin/cat\na\n' },
    });
    expect(instructionOf('RUN <<"/s"', '#!/bin/cat', '/s')).toMatchObject({ script: { name: 's' } });
  });

  test.each(['a/b', '..', '/'])('a script named %s is refused', (name) => {
    expect(errorOf(() => parse('FROM a', `RUN <<"${name}"`, '#!/bin/sh', name)).message).toBe(
      `the script ${name} must not have a directory in its name`,
    );
  });

  test('a script has no more than 400,000 bytes', () => {
    const script = (bytes: number): readonly string[] => ['RUN <<s', `#!${'x\n'.repeat((bytes - 3) / 2)}`, 's'];
    expect(instructionsOf(...script(399_999))).toHaveLength(1);
    expect(errorOf(() => instructionsOf(...script(400_003))).code).toBe('TBUILD_UNSUPPORTED');
  });

  test('the text for people has its first line', () => {
    expect(instructionsOf('RUN <<EOF', '', '  apt-get update', 'x', 'EOF')[0]?.text).toBe(
      'RUN <<EOF (apt-get update...)',
    );
    expect(instructionsOf('RUN <<EOF', 'echo', 'EOF')[0]?.text).toBe('RUN <<EOF (echo)');
    expect(instructionsOf('RUN <<EOF', 'EOF')[0]?.text).toBe('RUN <<EOF');
    expect(instructionsOf('RUN cat <<EOF', 'echo', 'EOF')[0]?.text).toBe('RUN cat <<EOF');
  });
});

describe('COPY and ADD', () => {
  const fileOf = (...lines: readonly string[]): object => ({ ...instructionOf(...lines) });

  test.each<[string, readonly string[], object]>([
    [
      'one',
      ['COPY <<EOF /f', 'a', 'EOF'],
      { sources: [], inlineFiles: [{ name: 'EOF', content: 'a\n', expands: true }] },
    ],
    ['quoted', ['ADD <<"a.b" /f', '$a', 'a.b'], { inlineFiles: [{ name: 'a.b', content: '$a\n', expands: false }] }],
    [
      'an escape is no quote',
      ['COPY <<E\\OF /f', 'EOF'],
      { inlineFiles: [{ name: 'EOF', content: '', expands: true }] },
    ],
    ['tabs dropped', ['COPY <<-E /f', '\ta', '\tE'], { inlineFiles: [{ name: 'E', content: 'a\n', expands: true }] }],
    [
      'a variable in the name stays',
      ['COPY <<$N /f', '$N'],
      { inlineFiles: [{ name: '$N', content: '', expands: true }] },
    ],
    [
      'several, and paths',
      ['COPY --chmod=600 <<a f <<b /d/', 'x', 'a', 'y', 'b'],
      {
        sources: ['f'],
        destination: '/d/',
        chmod: '600',
        inlineFiles: [
          { name: 'a', content: 'x\n', expands: true },
          { name: 'b', content: 'y\n', expands: true },
        ],
      },
    ],
    [
      'two of one name have the content of the last',
      ['COPY <<a <<a /d/', 'x', 'a', 'y', 'a'],
      {
        inlineFiles: [
          { name: 'a', content: 'y\n', expands: true },
          { name: 'a', content: 'y\n', expands: true },
        ],
      },
    ],
  ])('%s', (_, lines, expected) => {
    expect(fileOf(...lines)).toMatchObject(expected);
  });

  test.each<[readonly string[], string]>([
    [['COPY f <<EOF', 'EOF'], 'COPY cannot accept a heredoc as a destination'],
    [
      ['COPY <<EOF', 'EOF'],
      'COPY requires at least two arguments, but only one was provided. Destination could not be determined',
    ],
    [['COPY <<a/b /x', 'a/b'], 'a heredoc becomes a file of its name, and a/b is none'],
    [['ADD <<.. /x', '..'], 'a heredoc becomes a file of its name, and .. is none'],
    [['COPY << EOF /x', 'EOF'], 'COPY cannot accept a heredoc with blanks in its mark'],
    [["COPY <<'a b' /x", 'a b'], 'COPY cannot accept a heredoc with blanks in its mark'],
  ])('%j is refused', (lines, message) => {
    expect(errorOf(() => parse('FROM a', ...lines)).message).toBe(message);
  });

  test('variables are expanded unless the name is quoted; quotes mean nothing, and the escape is a backslash', () => {
    const body = `\`$x \\$x \${x} $(id) $1 $$ \${y:-"a $x"} "$x" '$x' \\\\ \\" \\a \${x/v/"w"} $ \\\nnext`;
    const [instruction] = parse('# escape=`', 'FROM a', 'COPY <<E <<"F" /d/', body, 'E', '$x', 'F').stages[0]!
      .instructions;
    const expanded = expandInstruction(instruction!, new Map([['x', 'v']]), '`');
    expect(expanded).toMatchObject({
      inlineFiles: [{ content: `\`v $x v $(id)   "a v" "v" 'v' \\ " a "w" $ \nnext\n` }, { content: '$x\n' }],
    });
  });

  test('an expansion that fails is an error with the place of the instruction', () => {
    const [instruction] = instructionsOf('COPY <<E /d/', '${x:?no}', 'E');
    const error = errorOf(() => expandInstruction(instruction!, new Map(), '\\'));
    expect(error.code).toBe('TBUILD_EXPANSION');
    expect(error.message).toContain('x: no');
    expect(error.span).toMatchObject({ line: 2, endLine: 4 });
  });
});

describe('a trigger of ONBUILD', () => {
  test('ends with the bodies', () => {
    expect(instructionOf('ONBUILD  run <<-E cat <<"F"', '\ta', '\tE', '$b', 'F')).toEqual({
      kind: 'onbuild',
      trigger: 'run <<-E cat <<"F"\n\ta\nE\n$b\nF',
    });
  });
});

describe('what is no heredoc', () => {
  test.each([
    'RUN echo "<<EOF"',
    "RUN echo '<<EOF'",
    'RUN echo "a <<EOF b"',
    'RUN echo "${x:-a <<EOF b}"',
    'RUN echo ${x:-<<EOF}',
    'RUN echo a<<EOF',
    'RUN echo a<< <<EOF',
    'RUN echo \\<<EOF',
    'RUN echo $((1<<2))',
    'RUN cat <<<foo',
    'RUN cat << <<EOF',
    'RUN cat <<-  EOF',
    "RUN cat <<'' || true",
    'RUN cat <<-',
    'RUN cat <<',
    'RUN cat <<"EOF || true',
    "RUN echo 'it <<x",
    'RUN echo ${x <<EOF',
    'RUN echo ${#x} <<EOF',
    'RUN echo ${x@Q} <<EOF',
    'RUN ["echo", "<<EOF"]',
    'COPY ["<<EOF", "/x"]',
    'CMD cat <<EOF',
    'ENTRYPOINT cat <<EOF',
    'LABEL a=<<EOF',
    'ONBUILD CMD cat <<EOF',
    'ONBUILD RUN ["echo", "<<EOF"]',
  ])('%s', (line) => {
    expect(instructionsOf(line, 'ENV a=b').map(({ kind }) => kind)).toHaveLength(2);
  });

  test('the escape directive does not change what escapes a mark', () => {
    const of = (line: string): number =>
      parse('# escape=`', 'FROM a', line, 'ENV a=b').stages[0]?.instructions.length ?? 0;
    expect(of('RUN echo \\<<EOF')).toBe(2);
    expect(of('RUN echo `<<EOF')).toBe(2);
  });
});

describe('the end of a heredoc', () => {
  test('is a line with its name and nothing else', () => {
    expect(instructionOf('COPY <<EOF /f', 'x', ' EOF', 'EOF ', '"EOF"', 'EOF')).toMatchObject({
      inlineFiles: [{ content: 'x\n EOF\nEOF \n"EOF"\n' }],
    });
  });

  test('may have carriage returns, which the content keeps', () => {
    expect(instructionOf('COPY <<EOF /f\r', 'x\r', 'EOF\r')).toMatchObject({ inlineFiles: [{ content: 'x\r\n' }] });
  });

  test('may be the end of the file', () => {
    expect(instructionsOf('COPY <<EOF /f', 'EOF')[0]?.span).toMatchObject({ line: 2, endLine: 3, endColumn: 4 });
  });

  test.each([
    [['RUN <<EOF', 'x'], 'Its last line must be EOF, and nothing else.'],
    [['RUN <<EOF', 'x', '  EOF', 'RUN y'], 'Line 4 has EOF with blanks around it; <<- allows tabs before it.'],
    [['RUN <<-EOF', 'x', '  EOF'], 'Line 4 has EOF with blanks around it; only tabs before it are allowed.'],
    [['RUN cat <<A <<B', 'A', 'x'], 'Its last line must be B, and nothing else.'],
  ])('%j has none', (lines, hint) => {
    const error = errorOf(() => parse('FROM a', ...lines));
    expect(error.code).toBe('TBUILD_DOCKERFILE_SYNTAX');
    expect(error.message).toMatch(/^unterminated heredoc [A-Z]+$/);
    expect(error.hint).toBe(hint);
    expect(error.span?.line).toBe(2);
  });

  test('what follows it are instructions again, with their places', () => {
    const { stages } = parse(
      'FROM a',
      'RUN <<A <<B \\',
      '  c',
      'RUN x',
      'A',
      'B',
      '# c',
      'ENV a=b',
      'COPY <<C /',
      'C',
      'USER u',
    );
    expect(stages[0]?.instructions.map(({ kind, span }) => [kind, span.line, span.endLine])).toEqual([
      ['run', 2, 6],
      ['env', 8, 8],
      ['copy', 9, 10],
      ['user', 11, 11],
    ]);
  });

  test('a directive in a body is none', () => {
    expect(parse('FROM a', 'RUN <<A', '# escape=`', 'run \\', '', 'MAINTAINER x', 'A').escape).toBe('\\');
  });
});
