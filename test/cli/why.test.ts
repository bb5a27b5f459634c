import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lacks } from '../helpers/capabilities.ts';
import { openShell } from '../helpers/shell.ts';
import type { Shell } from '../helpers/shell.ts';
import type { Tree } from '../helpers/tree.ts';

let shell: Shell;
beforeAll(async () => {
  shell = await openShell();
});
afterAll(() => shell[Symbol.dispose]());

interface Change {
  readonly promise: string;
  readonly files: Tree;
  readonly change: (context: string) => void;
  readonly options?: readonly string[];
  /** Text of the step to its line in `cache why` and behind `Not cached:` in the progress. */
  readonly expected: Readonly<Record<string, string>>;
}

const edit =
  (path: string, content: string): ((context: string) => void) =>
  (context) =>
    writeFileSync(join(context, path), content);

const copyAll: Tree = { Dockerfile: 'FROM base\nCOPY src /src\nRUN ls /src\nENV A=1\n', 'src/a': 'a', 'src/b': 'b' };
const run = 'RUN ls /src';
const afterCopy = 'an earlier step gave another result: COPY src /src';

const changes: readonly Change[] = [
  {
    promise: 'a changed file by its name, and the step that stood on it',
    files: copyAll,
    change: edit('src/a', 'A'),
    expected: { 'COPY src /src': 'content changed: src/a in the build context', [run]: afterCopy },
  },
  {
    promise: 'an added file',
    files: copyAll,
    change: edit('src/new', ''),
    expected: { 'COPY src /src': 'added: src/new in the build context', [run]: afterCopy },
  },
  {
    promise: 'a removed file',
    files: copyAll,
    change: (context) => rmSync(join(context, 'src/b')),
    expected: { 'COPY src /src': 'removed: src/b in the build context', [run]: afterCopy },
  },
  {
    promise: 'a changed mode',
    files: copyAll,
    change: (context) => chmodSync(join(context, 'src/b'), 0o700),
    expected: { 'COPY src /src': 'mode changed: src/b in the build context', [run]: afterCopy },
  },
  {
    promise: 'a build argument, with both values',
    files: { Dockerfile: 'FROM base\nARG MODE=fast\nRUN echo $MODE\n' },
    change: () => undefined,
    options: ['--build-arg', 'MODE=safe'],
    expected: { 'RUN echo $MODE': 'the value of MODE changed: it was "fast", now "safe"' },
  },
  {
    promise: 'a variable of ENV',
    files: { Dockerfile: 'FROM base\nENV MODE=fast\nRUN echo $MODE > /m\n' },
    change: edit('Dockerfile', 'FROM base\nENV MODE=safe\nRUN echo $MODE > /m\n'),
    expected: {
      'ENV MODE=safe': 'the instruction changed: it was "ENV MODE=fast", now "ENV MODE=safe"',
      'RUN echo $MODE > /m': 'the value of MODE changed: it was "fast", now "safe"',
    },
  },
  {
    promise: 'the text of the instruction',
    files: { Dockerfile: 'FROM base\nRUN echo one\n' },
    change: edit('Dockerfile', 'FROM base\nRUN echo two\n'),
    expected: {
      'RUN echo two': 'the instruction changed: it was "RUN echo one", now "RUN echo two"',
    },
  },
  {
    promise: 'a setting',
    files: { Dockerfile: 'FROM base\nRUN true\n' },
    change: () => undefined,
    options: ['--network', 'none'],
    expected: { 'RUN true': 'network changed: it was "host", now "none"' },
  },
  {
    promise: 'an earlier step whose command changed',
    files: { Dockerfile: 'FROM base\nRUN echo 1 > /x\nRUN true\n' },
    change: edit('Dockerfile', 'FROM base\nRUN echo 2 > /x\nRUN true\n'),
    expected: { 'RUN true': 'an earlier step gave another result: RUN echo 2 > /x' },
  },
  {
    promise: 'a file of another stage',
    files: { Dockerfile: 'FROM base AS one\nRUN echo 1 > /x\nFROM base\nCOPY --from=one /x /x\n' },
    change: edit('Dockerfile', 'FROM base AS one\nRUN echo 2 > /x\nFROM base\nCOPY --from=one /x /x\n'),
    expected: { 'COPY --from=one /x /x': 'content changed: x in stage one' },
  },
];

describe.skipIf(lacks('user-namespaces', 'overlay'))('why a step ran again', () => {
  test.each(changes)('$promise', async ({ files, change, options = [], expected }) => {
    const context = shell.context(files);
    expect((await shell.tbuild(context)).status).toBe(0);
    change(context);
    const { stdout: progress } = await shell.tbuild(...options, context);
    const { stdout: why } = await shell.tbuild('cache', 'why');
    for (const [step, cause] of Object.entries(expected)) {
      expect(progress).toContain(` : ${step}\n ---> Not cached: ${cause}\n`);
      expect(shell.stable(why)).toContain(` : ${step}\n ---> ran (<time>), because ${cause}\n`);
    }
  });

  test('another base image, by the FROM', async () => {
    const context = shell.context({ Dockerfile: 'FROM moving\nRUN true\n' });
    await shell.tbuild('tag', 'base', 'moving');
    await shell.tbuild(context);
    await shell.tbuild('-t', 'moving', shell.context({ Dockerfile: 'FROM base\nRUN echo 1 > /new\n' }));
    const { stdout } = await shell.tbuild(context);
    expect(stdout).toContain(' : RUN true\n ---> Not cached: an earlier step gave another result: FROM moving\n');
  });

  test('nothing changed: every step is cached', async () => {
    const context = shell.context(copyAll);
    await shell.tbuild(context);
    await shell.tbuild(context);
    const { stdout } = await shell.tbuild('cache', 'why');
    expect(shell.stable(stdout)).toMatchInlineSnapshot(`
      "Last build: <dir>/context-12/Dockerfile, <date>
      Step 1/4 : FROM base
       ---> <id>
      Step 2/4 : COPY src /src
       ---> cached
      Step 3/4 : RUN ls /src
       ---> cached
      Step 4/4 : ENV A=1
       ---> cached
      "
    `);
  });

  test('a failure, the same again, and mended: steps behind it know what they stood on before', async () => {
    const files = { Dockerfile: 'FROM base\nCOPY script /script\nRUN sh -c ". /script"; sh /script\nRUN echo after\n' };
    const dockerfile = 'FROM base\nCOPY script /script\nRUN cat /script; /script\nRUN echo after\n';
    const context = shell.context({ ...files, Dockerfile: dockerfile, script: '#!/bin/sh\ntrue\n' });
    chmodSync(join(context, 'script'), 0o755);
    expect((await shell.tbuild(context)).status).toBe(0);
    const failing = 'RUN cat /script; /script';

    edit('script', '#!/bin/sh\nexit 9\n')(context);
    expect((await shell.tbuild(context)).status).toBe(1);
    const first = shell.stable((await shell.tbuild('cache', 'why')).stdout);
    expect(first).toContain(`${failing}\n ---> failed (<time>), because an earlier step gave another result: COPY`);
    expect(first).toContain('RUN echo after\n ---> not reached\n');

    await shell.tbuild(context);
    expect(shell.stable((await shell.tbuild('cache', 'why')).stdout)).toContain(
      `${failing}\n ---> failed (<time>), because it had no result in the last build`,
    );

    edit('script', '#!/bin/sh\nls /\n')(context);
    expect((await shell.tbuild(context)).stdout).toContain(
      'RUN echo after\n ---> Not cached: an earlier step gave another result: COPY script /script\n',
    );
  });

  test('a pruned record', async () => {
    const context = shell.context({ Dockerfile: 'FROM base\nRUN echo pruned > /x\n' });
    await shell.tbuild(context);
    expect((await shell.tbuild('prune', '--all')).stdout).toMatch(/Removed \d+ cache records\n/);
    expect((await shell.tbuild(context)).stdout).toContain('Not cached: its cache record has been removed');
  });

  test('--no-cache', async () => {
    const context = shell.context({ Dockerfile: 'FROM base\nRUN true\n' });
    await shell.tbuild(context);
    await shell.tbuild('--no-cache', context);
    expect((await shell.tbuild('cache', 'why')).stdout).toContain('because --no-cache was given\n');
  });

  test('--json is the whole report', async () => {
    const context = shell.context({ Dockerfile: 'FROM base\nRUN echo json\n' });
    await shell.tbuild('-t', 'reported', context);
    const { stdout } = await shell.tbuild('cache', 'why', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      context,
      dockerfile: join(context, 'Dockerfile'),
      tags: ['docker.io/library/reported:latest'],
      steps: [
        { id: '0.0', outcome: 'base' },
        { id: '0.1', outcome: 'executed', cause: { kind: 'first' } },
      ],
    });
  });
});

test('a store in which nothing was built says so', async () => {
  const { status, stdout } = await shell.sh('TBUILD_STORE=$HOME/empty tbuild cache why');
  expect({ status, stdout }).toEqual({ status: 0, stdout: 'Nothing has been built in this store yet.\n' });
});
