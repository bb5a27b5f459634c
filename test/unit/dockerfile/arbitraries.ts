import fc from 'fast-check';
import type { Arbitrary } from 'fast-check';

const keywords = [
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
];

const flagNames = [
  'from',
  'chown',
  'chmod',
  'link',
  'parents',
  'exclude',
  'checksum',
  'keep-git-dir',
  'unpack',
  'mount',
  'network',
  'security',
  'device',
  'platform',
  'interval',
  'timeout',
  'start-period',
  'start-interval',
  'retries',
  'unknown',
  '',
];

const scraps = [
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
  ':?',
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
  '<<-',
  '<<EOF',
  '<<"EOF"',
  '\nEOF\n',
  '\n\tEOF\n',
  '#!/bin/sh\n',
  '=',
  '--',
  ',',
  ':',
  '\u00a0',
  '\uFEFF',
  '\0',
  '\ud800',
  '\udce9',
  '😀',
  'AS',
  'x',
  '0',
  '1s',
  '-1',
  'type=cache',
  'CMD',
  'NONE',
  'true',
  '# escape=`\n',
  '# check=skip=',
  '# syntax=docker/dockerfile:1\n',
];

const junk = fc.oneof(fc.constantFrom(...scraps), fc.string({ unit: 'binary', maxLength: 5 }));

/** Pieces that mean something to the parser, in any order. */
export const anyText: Arbitrary<string> = fc
  .array(
    fc.oneof(
      { arbitrary: junk, weight: 4 },
      { arbitrary: fc.constantFrom(...keywords, 'from', 'Foo').map((word) => `\n${word} `), weight: 2 },
      { arbitrary: fc.constantFrom(...flagNames).map((name) => ` --${name}=`), weight: 1 },
    ),
    { maxLength: 40 },
  )
  .map((pieces) => pieces.join(''));

/** One instruction with flags of any kind and value. */
export const flaggedInstruction: Arbitrary<string> = fc
  .tuple(
    fc.constantFrom(...keywords),
    fc.array(fc.tuple(fc.constantFrom(...flagNames), fc.option(fc.array(junk, { maxLength: 3 }), { nil: undefined })), {
      maxLength: 4,
    }),
    fc.array(junk, { maxLength: 4 }),
  )
  .map(([keyword, flags, rest]) => {
    const given = flags.map(([name, value]) => `--${name}${value === undefined ? '' : `=${value.join('')}`}`);
    return [keyword, ...given, rest.join('')].join(' ');
  });

const word = fc.oneof(
  fc.constantFrom(
    'a',
    '/x/y',
    'f*',
    '$V',
    '${V:-w}',
    '"a b"',
    "'$V'",
    'a\\ b',
    '--x',
    '#x',
    '[',
    'é',
    '😀',
    '`',
    '<<x',
  ),
  fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 4 }).map((text) => text.replaceAll(/[\s\\]/g, '_')),
);
const name = fc.constantFrom('A', 'b_c', 'D.e', '"q r"', '$N');
const rest = fc.array(word, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(' '));
const list = fc.array(fc.oneof(word, fc.string({ unit: 'binary', maxLength: 4 })), { minLength: 1, maxLength: 3 });
const json = list.map((parts) => JSON.stringify(parts));
const command = fc.oneof(rest, json);
const pairs = fc
  .array(fc.tuple(name, word), { minLength: 1, maxLength: 3 })
  .map((each) => each.map(([key, value]) => `${key}=${value}`).join(' '));
const line = fc.constantFrom('a', ' b $V', '\tc', '\t\td', '', '# e', 'FROM x', '\\', 'EOF2', '\u00a0', '\udce9');

/** The mark of a heredoc and what ends with its end. */
const heredoc = fc
  .tuple(
    fc.constantFrom('<<', '<<-', '3<<'),
    fc.constantFrom('EOF', '"EOF"', "'E F'", 'x.conf', '#n'),
    fc.array(line, { maxLength: 3 }),
    fc.boolean(),
  )
  .map(([operator, mark, lines, isScript]) => {
    const end = mark.replaceAll(/["']/g, '');
    const content = [...(isScript ? ['#!/bin/sh'] : []), ...lines, operator === '<<-' ? `\t${end}` : end];
    return { mark: operator + mark, body: `\n${content.join('\n')}` };
  });

const duration = fc.constantFrom('1s', '1m30s', '100ms', '0', '1.5h');
const transferFlags = fc
  .subarray([
    '--chown=1:$G',
    '--chmod=u=rwX',
    '--chmod=0644',
    '--link',
    '--link=false',
    '--exclude=*.x',
    '--exclude="a b"',
  ])
  .map((flags) =>
    flags.filter((flag, index) => !flag.startsWith('--link') || flags.indexOf('--link') === index).join(' '),
  );
const transfer = fc.oneof(
  fc.tuple(fc.constantFrom('COPY', 'ADD'), transferFlags, rest, word).map((parts) => parts.join(' ')),
  fc.tuple(fc.constantFrom('COPY', 'ADD'), transferFlags, list).map(([keyword, flags, parts]) => {
    return `${keyword} ${flags} ${JSON.stringify([...parts, '/x'])}`;
  }),
  fc.tuple(transferFlags, fc.array(heredoc, { minLength: 1, maxLength: 3 })).map(([flags, docs]) => {
    return `COPY ${flags} f ${docs.map(({ mark }) => mark).join(' ')} /x/${docs.map(({ body }) => body).join('')}`;
  }),
  rest.map((parts) => `COPY --from=b --parents ${parts} /x/`),
);
const runFlags = fc
  .subarray([
    '--mount=target=/a',
    '--mount=type=cache,TARGET=$V,id="a b",sharing=locked',
    '--mount=type=bind,from=b,\\"source=a,\\"\\"b\\",dst=/m,rw',
    '--mount=type=secret,id=x,env=X,required',
    '--mount=type=ssh',
    '--mount=type=$T,target=/t',
    '--network=none',
    '--security=insecure',
  ])
  .map((flags) => flags.join(' '));
const run = fc.oneof(
  command.map((text) => `RUN ${text}`),
  fc.tuple(runFlags, command).map(([flags, text]) => `RUN ${flags} ${text}`),
  heredoc.map(({ mark, body }) => `RUN ${mark}${body}`),
  fc.tuple(rest, fc.array(heredoc, { minLength: 1, maxLength: 2 })).map(([text, docs]) => {
    return `RUN ${text} ${docs.map(({ mark }) => mark).join(' ')}${docs.map(({ body }) => body).join('')}`;
  }),
);
const plain = fc.oneof(
  fc.tuple(fc.constantFrom('CMD', 'ENTRYPOINT'), command).map((parts) => parts.join(' ')),
  fc.tuple(fc.constantFrom('ENV', 'LABEL', 'ARG'), pairs).map((parts) => parts.join(' ')),
  fc.tuple(fc.constantFrom('ENV', 'LABEL'), name, rest).map((parts) => parts.join(' ')),
  fc
    .tuple(fc.constantFrom('USER', 'WORKDIR', 'STOPSIGNAL', 'MAINTAINER', 'EXPOSE', 'VOLUME'), rest)
    .map((parts) => parts.join(' ')),
  json.map((text) => `VOLUME ${text}`),
  json.map((text) => `SHELL ${text}`),
  fc
    .tuple(duration, duration, command)
    .map(
      ([interval, timeout, text]) => `HEALTHCHECK --interval=${interval} --timeout=${timeout} --retries=3 CMD ${text}`,
    ),
  fc.constant('HEALTHCHECK NONE'),
);
const instruction = fc.oneof(run, transfer, plain);

/** Files most of which are right. */
export const likelyDockerfile: Arbitrary<string> = fc
  .tuple(
    fc.constantFrom('', '# escape=`\n', '# escape=\\\n', '#syntax=docker/dockerfile:1\n'),
    fc.array(
      pairs.map((text) => `ARG ${text}`),
      { maxLength: 1 },
    ),
    fc.array(
      fc.tuple(
        fc.constantFrom('FROM a', 'FROM --platform=$BUILDPLATFORM a:$T AS b', 'FROM "b" AS C.d', 'FROM scratch'),
        fc.array(
          fc.oneof(
            { arbitrary: instruction, weight: 6 },
            { arbitrary: instruction.map((text) => `ONBUILD ${text}`), weight: 1 },
            { arbitrary: fc.constantFrom('', '# comment', '   ', '\t# comment \\'), weight: 1 },
          ),
          { maxLength: 5 },
        ),
      ),
      { minLength: 1, maxLength: 3 },
    ),
  )
  .map(([head, args, stages]) => head + [...args, ...stages.flatMap(([from, lines]) => [from, ...lines])].join('\n'));
