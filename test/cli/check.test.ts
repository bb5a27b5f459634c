import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openShell } from '../helpers/shell.ts';
import type { Shell } from '../helpers/shell.ts';

let shell: Shell;
beforeAll(async () => {
  shell = await openShell();
});
afterAll(() => shell[Symbol.dispose]());

const bad = { Dockerfile: 'FROM base as x\n\nCMD a \\\n  b\n' };

describe('tbuild build --check', () => {
  test('prints findings as docker does, with the reason and what to write instead, and ends with status 1', async () => {
    const context = shell.context(bad);
    const { status, stdout, stderr } = await shell.tbuild('build', '--check', context);
    expect({ status, stderr }).toEqual({ status: 1, stderr: '' });
    expect(stdout.replaceAll(`${context.slice(shell.directory.length + 1)}/`, '')).toMatchInlineSnapshot(`
      "Check complete, 2 warnings have been found!

      WARNING: FromAsCasing - https://docs.docker.com/go/dockerfile/rule/from-as-casing/
      'as' and 'FROM' keywords' casing do not match
      Dockerfile:1
      --------------------
         1 | >>> FROM base as x
         2 |     
         3 |     CMD a \\
      --------------------
      why: The two are keywords of one instruction; in two cases the second is easily read as a name.
      fix: Write FROM … AS …, or from … as ….

      WARNING: JSONArgsRecommended - https://docs.docker.com/go/dockerfile/rule/json-args-recommended/
      JSON arguments recommended for CMD to prevent unintended behavior related to OS signals
      Dockerfile:3
      --------------------
         1 |     FROM base as x
         2 |     
         3 | >>> CMD a \\
         4 | >>>   b
         5 |     
      --------------------
      why: The text form runs the command below a shell, which is process 1 and passes no signals on: the container does not stop when it is asked to.
      fix: Write a JSON array, CMD ["program", "argument"]; where a shell is meant, say so with SHELL.
      "
    `);
  });

  test.each([[[]], [['--call=check']], [['--call=lint,format=text']]])(
    '%j: says when nothing is found',
    async (args) => {
      const context = shell.context({ Dockerfile: 'FROM base\nCMD ["a"]\n' });
      const given = args.length === 0 ? ['--check'] : args;
      const { status, stdout } = await shell.tbuild('build', ...given, context);
      expect({ status, stdout }).toEqual({ status: 0, stdout: 'Check complete, no warnings found.\n' });
    },
  );

  test.each([['--call=check,format=json'], ['--format=json']])("%s is docker's document", async (option) => {
    const { status, stdout } = await shell.tbuild('build', '--check', option, shell.context(bad));
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      warnings: [
        { ruleName: 'FromAsCasing', location: { ranges: [{ start: { line: 1 }, end: { line: 1 } }] } },
        {
          ruleName: 'JSONArgsRecommended',
          url: 'https://docs.docker.com/go/dockerfile/rule/json-args-recommended/',
          location: { ranges: [{ start: { line: 3 } }, { start: { line: 4 } }] },
        },
      ],
      sources: [{ language: 'Dockerfile', data: Buffer.from(bad.Dockerfile).toString('base64') }],
    });
  });

  test('ignorestatus=true hides in the status what is found, and what would fail the build', async () => {
    const call = '--call=check,ignorestatus=true';
    expect((await shell.tbuild('build', call, shell.context(bad))).status).toBe(0);
    expect((await shell.tbuild('build', call, shell.context({ Dockerfile: 'FROM\n' }))).status).toBe(0);
  });

  test('tells what would fail the build behind what it found before', async () => {
    const context = shell.context({ Dockerfile: 'FROM base as x\nCOPY one\n' });
    const { status, stdout, stderr } = await shell.tbuild('build', '--check', context);
    expect(status).toBe(1);
    expect(stdout).toContain('WARNING: FromAsCasing - ');
    expect(stderr).toContain('COPY requires at least two arguments');
    const json = await shell.tbuild('build', '--check', '--format=json', context);
    expect(json).toMatchObject({ status: 1, stderr: '' });
    expect(JSON.parse(json.stdout)).toMatchObject({
      warnings: [{ ruleName: 'FromAsCasing' }],
      buildError: { code: 'TBUILD_DOCKERFILE_SYNTAX', location: { ranges: [{ start: { line: 2 } }] } },
    });
  });

  test('a base image that cannot be had is an error, and its variables are not guessed', async () => {
    const Dockerfile = 'FROM 127.0.0.1:1/none as x\nENV A=$FROM_BASE\n';
    const { status, stdout, stderr } = await shell.tbuild('build', '--check', shell.context({ Dockerfile }));
    expect({ status, findings: stdout.match(/^WARNING: \w+/gm) }).toEqual({
      status: 1,
      findings: ['WARNING: FromAsCasing'],
    });
    expect(stderr).toContain('TBUILD_REGISTRY');
  });

  test('reads a Dockerfile from standard input', async () => {
    const { status, stdout } = await shell.tbuildWith('FROM base\nMAINTAINER me\n', 'build', '--check', '-');
    expect(status).toBe(1);
    expect(stdout).toContain('<stdin>:2\n');
  });

  test('builds nothing and makes no layer', async () => {
    const Dockerfile = 'FROM base\nRUN echo ran > /never\nENV never=1\n';
    const listed = (): number => readdirSync(join(shell.directory, 'store/layers')).length;
    const before = listed();
    expect((await shell.tbuild('build', '--check', '-t', 'never', shell.context({ Dockerfile }))).status).toBe(0);
    expect(listed()).toBe(before);
    expect((await shell.tbuild('images', 'never')).stdout).not.toContain('never');
  });

  test.each([
    [['--call=outlines'], '--call has no method "outlines"'],
    [['--call=check,format=yaml'], 'invalid field of --call: "format=yaml"'],
    [['--call=check,ignorestatus'], 'invalid field of --call: "ignorestatus"'],
    [['--check', '--format=xml'], '--format must be text or json'],
    [['--check', '--call=build', '--format=json'], 'a build has no format'],
  ])('%j is a mistake', async (args, message) => {
    const { status, stderr } = await shell.tbuild('build', ...args, shell.context(bad));
    expect(status).toBe(125);
    expect(stderr).toContain(message);
  });
});

describe('a build', () => {
  const findingsOf = (stdout: string): readonly object[] =>
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; code: string; span: object })
      .filter(({ type }) => type === 'warning');

  test('warns with the place of each finding, the same when all of it is cached', async () => {
    const context = shell.context({ Dockerfile: 'FROM base\n  ENV A=$UNDEFINED_THERE\nWORKDIR there\n' });
    const first = await shell.tbuild('build', '--progress=json', context);
    const span = { file: join(context, 'Dockerfile'), column: 3, line: 2, endLine: 2, endColumn: 25 };
    expect(findingsOf(first.stdout)).toMatchObject([
      { code: 'UndefinedVar', message: "Usage of undefined variable '$UNDEFINED_THERE'", span },
      { code: 'WorkdirRelativePath', span: { line: 3 } },
    ]);
    const again = await shell.tbuild('build', '--progress=json', context);
    expect(findingsOf(again.stdout).map((event) => ({ ...event, time: '' }))).toEqual(
      findingsOf(first.stdout).map((event) => ({ ...event, time: '' })),
    );
  });

  test('finds anew what depends on arguments, the target and the ignore file', async () => {
    const context = shell.context({
      Dockerfile: 'FROM base AS a\nCOPY f* /\nFROM a\nARG X\nARG Y=$X\nWORKDIR $Y\n',
      f: '',
      '.dockerignore': 'g\n',
    });
    const rules = async (...args: string[]): Promise<readonly string[]> => {
      const { stdout } = await shell.tbuild('build', '--progress=json', ...args, context);
      return findingsOf(stdout).map((event) => (event as { code: string }).code);
    };
    expect(await rules()).toEqual(['WorkdirRelativePath']);
    expect(await rules('--build-arg=X=/x')).toEqual([]);
    expect(await rules('--target=a')).toEqual([]);
    expect(await rules('--build-arg=BUILDKIT_DOCKERFILE_CHECK=skip=WorkdirRelativePath')).toEqual([]);
    expect(await rules()).toEqual(['WorkdirRelativePath']);
  });

  test('that fails still tells what was found', async () => {
    const context = shell.context({ Dockerfile: 'FROM base\nCOPY app-$VERSOIN.tar /\n' });
    const { status, stdout } = await shell.tbuild('build', '--progress=plain', context);
    expect(status).toBe(1);
    expect(stdout).toContain("WARNING: UndefinedVar: Usage of undefined variable '$VERSOIN' (line 2)\n");
  });

  test('with error=true runs nothing when something is found, and is a build when nothing is', async () => {
    const context = shell.context({ Dockerfile: '# check=error=true\nFROM base\nARG WHERE=there\nWORKDIR $WHERE\n' });
    const { status, stdout, stderr } = await shell.tbuild('build', '--progress=json', context);
    expect(status).toBe(1);
    expect(stderr).toContain('ERROR: lint violation found for rules: WorkdirRelativePath\n');
    expect(stderr).toContain('(TBUILD_CHECK)');
    expect(stdout).not.toContain('step:start');
    expect(findingsOf(stdout)).toMatchObject([{ code: 'WorkdirRelativePath', span: { line: 4 } }]);
    const good = await shell.tbuild('build', '--progress=json', '--build-arg=WHERE=/there', context);
    expect({ status: good.status, found: findingsOf(good.stdout) }).toEqual({ status: 0, found: [] });
  });
});
