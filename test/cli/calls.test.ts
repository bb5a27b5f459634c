import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openShell } from '../helpers/shell.ts';
import type { Shell } from '../helpers/shell.ts';

let shell: Shell;
let context: string;
beforeAll(async () => {
  shell = await openShell();
  context = shell.context({
    Dockerfile: `# VERSION of the compiler
ARG VERSION=1
# build compiles
FROM scratch AS build
ARG VERSION
ARG NAME="a	b\u001b[31m"
RUN --mount=type=secret,id=token,required --mount=type=ssh make
FROM build
`,
  });
});
afterAll(() => shell[Symbol.dispose]());

describe('--call', () => {
  test('outline prints what a stage can be given, as docker does', async () => {
    const { status, stdout, stderr } = await shell.tbuild('--call=outline', '--target', 'build', context);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toBe(
      [
        'TARGET:      build',
        'DESCRIPTION: compiles',
        '',
        'BUILD ARG   VALUE      DESCRIPTION',
        'VERSION     1          of the compiler',
        'NAME        a b\ufffd[31m   ',
        '',
        'SECRET   REQUIRED',
        'token    true',
        '',
        'SSH       REQUIRED',
        'default   ',
        '',
      ].join('\n'),
    );
  });

  test('targets prints the stages', async () => {
    const { stdout } = await shell.tbuild('build', '--call', 'targets', context);
    expect(stdout).toBe('TARGET    DESCRIPTION\nbuild     compiles\n(default) \n');
  });

  test.each([
    [['--call=targets,format=json']],
    [['--call=targets', '--format=json']],
    [['--call=targets,format=text', '--format', 'json']],
  ])('%j prints JSON', async (options) => {
    const { status, stdout } = await shell.tbuild(...options, context);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^\{\n {2}"targets": \[\n {4}\{\n {6}"name": "build",\n/);
    expect(JSON.parse(stdout)).toMatchObject({ targets: [{ name: 'build' }, { default: true, base: 'build' }] });
  });

  test('JSON has what HTML would read as escapes, as Go writes it', async () => {
    const place = shell.context({ Dockerfile: 'FROM scratch\nARG A=<&>\n' });
    expect((await shell.tbuild('--call=outline,format=json', place)).stdout).toContain(
      '"value": "\\u003c\\u0026\\u003e"',
    );
  });

  test('builds nothing and writes nothing', async () => {
    const options = ['-t', 'never', '-o', `type=tar,dest=${shell.directory}/never.tar`];
    expect((await shell.tbuild('--call=outline', ...options, context)).status).toBe(0);
    expect((await shell.sh(`tbuild images -q never; ls ${shell.directory}`)).stdout).not.toContain('never');
  });

  test('build is a build', async () => {
    const place = shell.context({ Dockerfile: 'FROM scratch\nENV A=1\n' });
    expect((await shell.tbuild('--call=build', '-q', place)).stdout).toMatch(/^sha256:[0-9a-f]{64}\n$/);
  });

  test('reads standard input', async () => {
    expect((await shell.tbuildWith('FROM scratch AS one\n', '--call=targets', '-')).stdout).toContain('one (default)');
  });

  test('says where the Dockerfile is wrong', async () => {
    const place = shell.context({ Dockerfile: 'FROM scratch\nARG A=${B:?is needed}\n' });
    const { status, stderr } = await shell.tbuild('--call=outline', place);
    expect(status).toBe(1);
    expect(stderr).toContain('> 2 | ARG A=${B:?is needed}');
  });
});

describe('a mistake ends with 125 and says what there is', () => {
  test.each([
    [['--call=outlines'], /--call has no method "outlines"\nhint: there are build, .*outline.* and targets/],
    [['--call=Outline'], /no method "Outline"/],
    [['--call=constructor'], /no method "constructor"/],
    [['--call=outline,json'], /invalid field of --call: "json"/],
    [['--call=outline,format=xml'], /invalid field of --call: "format=xml"/],
    [['--call=outline', '--format=xml'], /--format must be text or json/],
    [['--format=json'], /a build has no format/],
    [['--call=build,format=json'], /a build has no format/],
    [['--call=,format=json'], /a build has no format/],
  ])('%j', async (options, message) => {
    const { status, stderr } = await shell.tbuild(...options, context);
    expect(status).toBe(125);
    expect(stderr).toMatch(message);
  });
});
