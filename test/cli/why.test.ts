import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { file } from '../../fixtures/layers/layer-case.ts';
import { tarOf } from '../../fixtures/layers/tar-bytes.ts';
import { lacks } from '../helpers/capabilities.ts';
import { startFileServer } from '../helpers/file-server.ts';
import { openShell } from '../helpers/shell.ts';
import type { Shell } from '../helpers/shell.ts';
import type { Tree } from '../helpers/tree.ts';

let shell: Shell;
beforeAll(async () => {
  shell = await openShell();
});
afterAll(() => shell[Symbol.dispose]());

const edit = (context: string, path: string, content: string): void => writeFileSync(join(context, path), content);

const copyAll: Tree = { Dockerfile: 'FROM base\nCOPY src /src\nRUN ls /src\nENV A=1\n', 'src/a': 'a', 'src/b': 'b' };

// What each kind of change is called: test/integration/cache/edits.test.ts.
describe.skipIf(lacks('user-namespaces', 'overlay'))('why a step ran again', () => {
  test('nothing changed: every step is cached', async () => {
    const context = shell.context(copyAll);
    await shell.tbuild(context);
    await shell.tbuild(context);
    const { stdout } = await shell.tbuild('cache', 'why');
    expect(shell.stable(stdout)).toMatchInlineSnapshot(`
      "Last build: <dir>/context-0/Dockerfile, <date>
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

  test('a Dockerfile in an archive behind a URL is named with it', async () => {
    await using server = await startFileServer();
    server.files.set('/c.tar', { content: tarOf(file('d/Dockerfile', 'FROM base\nENV A=1\n')) });
    await shell.tbuild('-f', 'd/Dockerfile', `${server.url}/c.tar`);
    const { stdout } = await shell.tbuild('cache', 'why');
    expect(stdout).toContain(`Last build: d/Dockerfile of ${server.url}/c.tar, `);
  });

  test('a failure, the same again, and mended: steps behind it know what they stood on before', async () => {
    const files = { Dockerfile: 'FROM base\nCOPY script /script\nRUN sh -c ". /script"; sh /script\nRUN echo after\n' };
    const dockerfile = 'FROM base\nCOPY script /script\nRUN cat /script; /script\nRUN echo after\n';
    const context = shell.context({ ...files, Dockerfile: dockerfile, script: '#!/bin/sh\ntrue\n' });
    chmodSync(join(context, 'script'), 0o755);
    expect((await shell.tbuild(context)).status).toBe(0);
    const failing = 'RUN cat /script; /script';

    edit(context, 'script', '#!/bin/sh\nexit 9\n');
    expect((await shell.tbuild(context)).status).toBe(1);
    const first = shell.stable((await shell.tbuild('cache', 'why')).stdout);
    expect(first).toContain(`${failing}\n ---> failed (<time>), because an earlier step gave another result: COPY`);
    expect(first).toContain('RUN echo after\n ---> not reached\n');

    await shell.tbuild(context);
    expect(shell.stable((await shell.tbuild('cache', 'why')).stdout)).toContain(
      `${failing}\n ---> failed (<time>), because it had no result in the last build`,
    );

    edit(context, 'script', '#!/bin/sh\nls /\n');
    expect((await shell.tbuild(context)).stdout).toContain(
      'RUN echo after\n ---> Not cached: an earlier step gave another result: COPY script /script\n',
    );
  });

  test('an instruction that is put in front changes what stands on it, not what the others are', async () => {
    const steps = ['RUN echo 1 > /1', 'RUN echo 2 > /2', 'ENV A=1'];
    const context = shell.context({ Dockerfile: ['FROM base', ...steps, ''].join('\n') });
    await shell.tbuild(context);
    edit(context, 'Dockerfile', ['FROM base', 'RUN echo 0 > /0', ...steps, ''].join('\n'));
    await shell.tbuild(context);
    const { stdout } = await shell.tbuild('cache', 'why');
    expect(
      shell
        .stable(stdout)
        .split('\n')
        .filter((line) => line.startsWith(' --->')),
    ).toEqual([
      ' ---> <id>',
      ' ---> ran (<time>), because it has not been built before',
      ' ---> ran (<time>), because an earlier step gave another result: RUN echo 0 > /0',
      ' ---> ran (<time>), because an earlier step gave another result: RUN echo 0 > /0',
      ' ---> ran (<time>), because an earlier step gave another result: RUN echo 0 > /0',
    ]);
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
        {
          id: '0.1',
          number: 2,
          text: 'RUN echo json',
          outcome: 'executed',
          cause: { kind: 'first', message: 'it has not been built before' },
          inputs: { text: 'RUN echo json', settings: { network: 'host' } },
          hasResult: true,
          key: expect.stringMatching(/^[0-9a-f]{64}$/),
          layer: expect.stringMatching(/^[0-9a-f]{64}$/),
          durationMs: expect.any(Number),
        },
      ],
    });
  });
});

test('a store in which nothing was built says so', async () => {
  const { status, stdout } = await shell.sh('TBUILD_STORE=$HOME/empty tbuild cache why');
  expect({ status, stdout }).toEqual({ status: 0, stdout: 'Nothing has been built in this store yet.\n' });
});
