import { describe, expect, test } from 'vitest';
import { instructionOf, instructionsOf, parse } from './helpers.ts';

describe('stages', () => {
  test('a file is its global ARGs and its stages, each with what FROM says', () => {
    const { file, escape, globalArgs, stages } = parse(
      'ARG TAG=1 EMPTY= NONE',
      'FROM --platform=$BUILDPLATFORM node:$TAG AS Build',
      'RUN make',
      'FROM scratch',
      'COPY --from=build /a /b',
    );
    expect({ file, escape }).toEqual({ file: 'Dockerfile', escape: '\\' });
    expect(globalArgs.map(({ args }) => args)).toEqual([
      [
        { name: 'TAG', value: '1' },
        { name: 'EMPTY', value: '' },
        { name: 'NONE', value: undefined },
      ],
    ]);
    expect(stages).toMatchObject([
      {
        index: 0,
        name: 'build',
        image: 'node:$TAG',
        platform: '$BUILDPLATFORM',
        text: 'FROM --platform=$BUILDPLATFORM node:$TAG AS Build',
      },
      { index: 1, name: undefined, image: 'scratch', platform: undefined },
    ]);
    expect(stages.map(({ instructions }) => instructions.map(({ kind }) => kind))).toEqual([['run'], ['copy']]);
  });

  test('the result is plain data', () => {
    const dockerfile = parse('ARG A', 'FROM a AS b', 'COPY --link a b /c/', 'HEALTHCHECK NONE', 'MAINTAINER x');
    expect(JSON.parse(JSON.stringify(dockerfile))).toEqual(dockerfile);
  });

  test('an empty --platform is none', () => {
    expect(parse('FROM --platform= busybox').stages[0]?.platform).toBeUndefined();
  });
});

describe('lines', () => {
  test('continuations join without the character and the line end; comments and blank lines inside them vanish', () => {
    const text = 'FROM busybox\nRUN   echo a \\\n   b \\\n\n  # c\n#d\n  e\nENV x=y\n';
    const [run, env] = parse(text).stages[0]?.instructions ?? [];
    expect(run).toMatchObject({
      text: 'RUN   echo a    b   e',
      command: { form: 'shell', text: 'echo a    b   e' },
      span: { file: 'Dockerfile', line: 2, column: 1, endLine: 7, endColumn: 4 },
    });
    expect(env?.span).toEqual({ file: 'Dockerfile', line: 8, column: 1, endLine: 8, endColumn: 8 });
  });

  test.each([
    ['CRLF', 'ENV a=b\\\r\nc\r\nENV d=e\r\n', ['ENV a=bc', 'ENV d=e']],
    ['several carriage returns at the end', 'ENV a=b\r\r\n', ['ENV a=b']],
    ['a carriage return inside a line', 'RUN echo a\rENV c=d', ['RUN echo a\rENV c=d']],
    ['blanks after the continuation character', 'ENV a=b \\  \t\n c=d', ['ENV a=b  c=d']],
    ['an escaped escape at the end', 'ENV a=b\\\\\nENV c=d', ['ENV a=b\\\\', 'ENV c=d']],
    ['three of them', 'ENV a=b\\\\\\\nENV c=d', ['ENV a=b\\\\\\', 'ENV c=d']],
    ['an escaped blank before the continuation', 'RUN a \\ \\\nb', ['RUN a \\ b']],
    ['a keyword over two lines', 'EN\\\nV a=b', ['ENV a=b']],
    ['a keyword that ends with its line', 'ENV\\\n a=b', ['ENV a=b']],
    ['a continuation at the end of the file', 'RUN a \\', ['RUN a']],
    ['a continuation, then nothing but blank lines', 'RUN a \\\n\n\n', ['RUN a']],
    ['a continuation, then a comment', 'RUN a \\\n# c', ['RUN a']],
    ['a comment that ends with the character', 'RUN a \\\n# c \\\nb\nENV c=d', ['RUN a b', 'ENV c=d']],
    ['lines of nothing but the character', 'RUN a \\\n\\\n \\\nb', ['RUN a  b']],
    ['the character alone before an instruction', '\\\n\nENV a=b', ['ENV a=b']],
    ['a hash that starts no line', 'RUN echo #a \\\n b#', ['RUN echo #a  b#']],
    ['a comment in the middle of quotes', 'ENV a="x \\\n# not quoted\n y"', ['ENV a="x  y"']],
    ['blanks around', '  \t ENV a=b  ', ['ENV a=b']],
    ['a vertical tab and a form feed', '\vENV\va=b\fc=d', ['ENV\va=b\fc=d']],
    ['a Unicode blank before', '\u00a0ENV a=b', ['ENV a=b']],
    ['a line of a Unicode blank', 'RUN a \\\n\u00a0\n b', ['RUN a  b']],
    ['many backslashes inside', 'RUN a\\b \\c \\\\ d', ['RUN a\\b \\c \\\\ d']],
    ['heredoc marks in quotes with a line behind them', 'RUN echo "<<EOF"\nRUN b', ['RUN echo "<<EOF"', 'RUN b']],
  ])('%s', (_, text, expected) => {
    expect(parse('FROM busybox', text).stages[0]?.instructions.map((instruction) => instruction.text)).toEqual(
      expected,
    );
  });

  test('a byte order mark is no part of the file', () => {
    expect(parse('\uFEFFFROM busybox', 'RUN a').stages[0]?.text).toBe('FROM busybox');
    expect(parse('\uFEFF# escape=`', 'FROM busybox', 'RUN a`', 'b').escape).toBe('`');
  });

  test('a line has at most 65,535 bytes, an instruction any number', () => {
    const line = (bytes: number): string => `ENV a=${'x'.repeat(bytes - 6)}`;
    expect(instructionsOf(line(65_535))).toHaveLength(1);
    expect(() => instructionsOf(line(65_536))).toThrow('dockerfile line greater than max allowed size of 65535');
    expect(() => instructionsOf(`# ${'é'.repeat(32_767)}`)).toThrow('dockerfile line greater than');
    expect(instructionsOf(`ENV a=${`${'x'.repeat(30_000)}\\\n`.repeat(4)}y`)).toHaveLength(1);
  });

  test('columns count from 1 and point behind the leading blanks', () => {
    expect(instructionsOf('\t ENV a=b ')[0]?.span).toEqual({
      file: 'Dockerfile',
      line: 2,
      column: 3,
      endLine: 2,
      endColumn: 11,
    });
  });
});

describe('commands', () => {
  test.each([
    ['RUN', { form: 'shell', text: '' }],
    ['RUN --network=none', { form: 'shell', text: '' }],
    ['RUN -- echo x', { form: 'shell', text: 'echo x' }],
    ['RUN true --mount=foo', { form: 'shell', text: 'true --mount=foo' }],
    ['RUN [ -e /bin/sh ] && echo ok', { form: 'shell', text: '[ -e /bin/sh ] && echo ok' }],
    ['RUN ["a","x"] ; b', { form: 'shell', text: '["a","x"] ; b' }],
    [`RUN ["a",'x']`, { form: 'shell', text: `["a",'x']` }],
    ['RUN ["a",   "b c" ]  ', { form: 'exec', argv: ['a', 'b c'] }],
    ['RUN ["\\ud800 \\u00e9\\/"]', { form: 'exec', argv: ['\uFFFD é/'] }],
    ['RUN [""]', { form: 'exec', argv: [''] }],
    ['CMD', { form: 'shell', text: '' }],
    ['CMD []', { form: 'exec', argv: [] }],
    [`CMD "echo"  'a' $B`, { form: 'shell', text: `"echo"  'a' $B` }],
    ['CMD \u00a0["a"]', { form: 'exec', argv: ['a'] }],
    ['ENTRYPOINT', { form: 'shell', text: '' }],
    ['entrypoint ["a"]', { form: 'exec', argv: ['a'] }],
  ])('%s', (line, command) => {
    expect(instructionOf(line)).toMatchObject({ command });
  });

  test.each(['default', 'none', 'host'])('RUN --network=%s', (network) => {
    expect(instructionOf(`RUN --network=${network} a`)).toEqual({
      kind: 'run',
      command: { form: 'shell', text: 'a' },
      script: undefined,
      network,
      security: undefined,
      mounts: [],
    });
  });

  test.each(['sandbox', 'insecure'])('RUN --security=%s', (security) => {
    expect(instructionOf(`RUN --security=${security} a`)).toMatchObject({ security });
  });

  test('SHELL takes the JSON form, unexpanded', () => {
    expect(instructionOf('SHELL ["$A", "-c"]')).toEqual({ kind: 'shell', argv: ['$A', '-c'] });
  });
});

describe('COPY and ADD', () => {
  const copy = {
    kind: 'copy',
    sources: ['a'],
    inlineFiles: [],
    destination: '/x',
    chown: undefined,
    chmod: undefined,
    link: false,
    exclude: [],
    from: undefined,
    parents: false,
  };
  test.each([
    ['COPY a /x', copy],
    ['COPY a b /x', { ...copy, sources: ['a', 'b'] }],
    ['COPY ["a b", "c", "/x"]', { ...copy, sources: ['a b', 'c'] }],
    ['COPY "a" "/x"', { ...copy, sources: ['"a"'], destination: '"/x"' }],
    ['COPY "a b" /x', { ...copy, sources: ['"a', 'b"'] }],
    ['COPY ["a", b]', { ...copy, sources: ['["a",'], destination: 'b]' }],
    ['COPY -- a /x', copy],
    ['COPY --link -- a /x', { ...copy, link: true }],
    ['COPY --link=TRUE a /x', { ...copy, link: true }],
    ['COPY --link=false a /x', copy],
    ['COPY - /x', { ...copy, sources: ['-'] }],
    ['COPY --chown= --chmod= --from= a /x', copy],
    ['COPY --from=Build --chown=1:$G --chmod=$M a /x', { ...copy, from: 'Build', chown: '1:$G', chmod: '$M' }],
    ['COPY --chmod=0755 a /x', { ...copy, chmod: '0755' }],
    ['COPY --chmod=7777 a /x', { ...copy, chmod: '7777' }],
    ['COPY --chmod=u=rwX,go=rX a /x', { ...copy, chmod: 'u=rwX,go=rX' }],
    ['COPY --parents a /x', { ...copy, parents: true }],
    ['COPY --parents=false a /x', copy],
    ['COPY --exclude=$A --exclude=**/*.txt --exclude= a /x', { ...copy, exclude: ['$A', '**/*.txt', ''] }],
    ['COPY --chown="1 :2" a /x', { ...copy, chown: '1 :2' }],
    ['COPY --chown=1\\ :2 a /x', { ...copy, chown: '1 :2' }],
    ["COPY --chown='1\\:2' a /x", { ...copy, chown: '1:2' }],
    ['COPY \\\n --chown=1 \\\n a /x', { ...copy, chown: '1' }],
  ])('%s', (line, expected) => {
    expect(instructionOf(line)).toEqual(expected);
  });

  test('the escape inside a flag is a backslash even where the directive says otherwise', () => {
    const { stages } = parse('# escape=`', 'FROM busybox', 'COPY --chown="1\\" :2" a /x');
    expect(stages[0]?.instructions[0]).toMatchObject({ chown: '1" :2' });
  });

  const add = {
    kind: 'add',
    sources: ['a'],
    inlineFiles: [],
    destination: '/x',
    chown: undefined,
    chmod: undefined,
    link: false,
    exclude: [],
    checksum: undefined,
    keepGitDir: undefined,
    unpack: undefined,
  };
  const sum = `sha256:${'0'.repeat(64)}`;
  test.each([
    ['ADD --link --chown=a:b a /x', { ...add, link: true, chown: 'a:b' }],
    ['ADD --unpack a /x', { ...add, unpack: true }],
    ['ADD --unpack=false --exclude=b a /x', { ...add, unpack: false, exclude: ['b'] }],
    [`ADD --checksum=${sum} https://h/a /x`, { ...add, sources: ['https://h/a'], checksum: sum }],
    ['ADD --checksum=$S $U /x', { ...add, sources: ['$U'], checksum: '$S' }],
    ['ADD --checksum=abcdef0 git@h:a /x', { ...add, sources: ['git@h:a'], checksum: 'abcdef0' }],
    ['ADD --keep-git-dir git@h:a b /x', { ...add, sources: ['git@h:a', 'b'], keepGitDir: true }],
  ])('%s', (line, expected) => {
    expect(instructionOf(line)).toEqual(expected);
  });
});

describe('ENV, LABEL and ARG', () => {
  test.each([
    [
      'ENV a=b c="d e" f=g\\ h',
      [
        ['a', 'b'],
        ['c', '"d e"'],
        ['f', 'g\\ h'],
      ],
    ],
    ['ENV a=', [['a', '']]],
    ['ENV a b=c', [['a', 'b=c']]],
    ['ENV a =v', [['a', '=v']]],
    ['ENV a "b  c"  d\\ e \'f\'', [['a', '"b  c"  d\\ e \'f\'']]],
    ['ENV a="b', [['a', '"b']]],
    ['ENV a=b\\', [['a', 'b']]],
    ['ENV -- a=b', [['a', 'b']]],
    ['ENV "q"=r', [['"q"', 'r']]],
    [
      'ENV a=b\u00a0c=d',
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
    ],
    [
      'ENV constructor=1 __proto__=2',
      [
        ['constructor', '1'],
        ['__proto__', '2'],
      ],
    ],
    [
      'LABEL a.b=c "d e"="f g" h=\'$X\'',
      [
        ['a.b', 'c'],
        ['"d e"', '"f g"'],
        ['h', "'$X'"],
      ],
    ],
    ['LABEL ""=x', [['""', 'x']]],
    ['LABEL -x=b', [['-x', 'b']]],
    ['LABEL a b c', [['a', 'b c']]],
  ])('%s', (line, pairs) => {
    expect(instructionOf(line)).toMatchObject({ pairs: pairs.map(([key, value]) => ({ key, value })) });
  });

  test.each([
    ['ARG a', [['a', undefined]]],
    ['ARG a=', [['a', '']]],
    [
      'ARG a="x y" b c=$d',
      [
        ['a', '"x y"'],
        ['b', undefined],
        ['c', '$d'],
      ],
    ],
    ['ARG $n=foo', [['$n', 'foo']]],
  ])('%s', (line, args) => {
    expect(instructionOf(line)).toEqual({ kind: 'arg', args: args.map(([name, value]) => ({ name, value })) });
  });
});

describe('the others', () => {
  test.each([
    ['EXPOSE 90/udp 80 $P', { kind: 'expose', ports: ['$P', '80', '90/udp'] }],
    ['EXPOSE ["80"]', { kind: 'expose', ports: ['["80"]'] }],
    ['USER a b', { kind: 'user', user: 'a b' }],
    ['USER ["a"]', { kind: 'user', user: '["a"]' }],
    ['WORKDIR  /a b ', { kind: 'workdir', path: '/a b' }],
    ['STOPSIGNAL  SIGTERM  ', { kind: 'stopsignal', signal: 'SIGTERM' }],
    ['MAINTAINER "a  b" $x', { kind: 'maintainer', name: '"a  b" $x' }],
    ['VOLUME /a "/b"', { kind: 'volume', paths: ['/a', '"/b"'] }],
    ['VOLUME ["/a b", "x"]', { kind: 'volume', paths: ['/a b', 'x'] }],
    ['VOLUME ["/a", b]', { kind: 'volume', paths: ['["/a",', 'b]'] }],
    ['onbuild   run   echo $X \\\n  a', { kind: 'onbuild', trigger: 'run   echo $X   a' }],
    ['ONBUILD COPY --foo a', { kind: 'onbuild', trigger: 'COPY --foo a' }],
    ['ONBUILD   FOO x \t', { kind: 'onbuild', trigger: 'FOO x \t' }],
    ['ONBUILD -- FOO x', { kind: 'onbuild', trigger: '-- FOO x' }],
    ['ONBUILD FOO x', { kind: 'onbuild', trigger: 'FOO x' }],
    ['HEALTHCHECK none', { kind: 'healthcheck', check: { kind: 'none' } }],
    ['HEALTHCHECK --interval=1s NONE', { kind: 'healthcheck', check: { kind: 'none' } }],
  ])('%s', (line, expected) => {
    expect(instructionOf(line)).toEqual(expected);
  });

  test('HEALTHCHECK in nanoseconds', () => {
    const line =
      'HEALTHCHECK --interval=1h30m1.5s --timeout=100ms --start-period=2m --start-interval=+.5s --retries=+3 cmd  a  b';
    expect(instructionOf(line)).toEqual({
      kind: 'healthcheck',
      check: {
        kind: 'cmd',
        command: { form: 'shell', text: 'a  b' },
        intervalNs: 5_401_500_000_000,
        timeoutNs: 100_000_000,
        startPeriodNs: 120_000_000_000,
        startIntervalNs: 500_000_000,
        retries: 3,
      },
    });
  });

  test('HEALTHCHECK leaves what is not given to the base image', () => {
    expect(instructionOf('HEALTHCHECK --interval= --timeout=0 --retries=0 CMD ["x", "y"]')).toMatchObject({
      check: { command: { form: 'exec', argv: ['x', 'y'] }, intervalNs: 0, timeoutNs: 0, startPeriodNs: 0, retries: 0 },
    });
  });
});
