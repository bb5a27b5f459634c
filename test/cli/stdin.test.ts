import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lacks } from '../helpers/capabilities.ts';
import { openShell } from '../helpers/shell.ts';
import type { Shell } from '../helpers/shell.ts';

let shell: Shell;
beforeAll(async () => {
  shell = await openShell();
});
afterAll(() => shell[Symbol.dispose]());

describe('tbuild build -', () => {
  test.skipIf(lacks('user-namespaces', 'overlay'))(
    'takes a tar that another program makes, compressed or not, and runs in it',
    async () => {
      const context = shell.context({
        Dockerfile: 'FROM base\nCOPY word /word\nRUN cat /word\n',
        word: 'from the tar\n',
      });
      const first = await shell.sh(`tar -C ${context} -c . | tbuild build -t piped -`);
      expect(first).toMatchObject({ status: 0, stderr: '' });
      expect(first.stdout).toContain('from the tar\n');
      const second = await shell.sh(`tar -C ${context} -cz word Dockerfile | tbuild -`);
      expect(second.stdout.match(/Using cache/g)).toHaveLength(2);
    },
  );

  test('quotes a Dockerfile that nobody can read again', async () => {
    const { status, stdout, stderr } = await shell.tbuildWith('FROM scratch\nCOP a b\n', 'build', '-');
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatchInlineSnapshot(`
      "ERROR: unknown instruction: COP (did you mean COPY?)
      <stdin>:2
        1 | FROM scratch
      > 2 | COP a b
          | ^^^
      (TBUILD_DOCKERFILE_SYNTAX)
      "
    `);
    const archived = shell.context({ Dockerfile: 'FROM scratch\nCOPY nope /\n' });
    const inTar = await shell.sh(`tar -C ${archived} -c Dockerfile | tbuild -`);
    expect(inTar.stderr).toContain('Dockerfile:2\n  1 | FROM scratch\n> 2 | COPY nope /\n');
  });

  test('takes a Dockerfile for a directory with -f -, and says when - is asked for twice', async () => {
    const context = shell.context({ a: 'a' });
    expect(await shell.tbuildWith('FROM scratch\nCOPY a /\n', '-q', '-f', '-', context)).toMatchObject({ status: 0 });
    const both = await shell.tbuildWith('FROM scratch\n', 'build', '-f', '-', '-');
    expect(both.status).toBe(125);
    expect(both.stderr).toContain("can't use stdin for both build context and dockerfile");
  });

  test.each([
    ['a build that waits for its context', ['build', '-']],
    ['a build that waits for its Dockerfile', ['-f', '-', '.']],
    ['an import that waits for its tar', ['import', '-', 'never']],
  ])('ends %s on SIGINT while nothing comes', async (_, argv) => {
    const child = shell.start(...argv);
    const closed = once(child, 'close');
    setTimeout(() => child.kill('SIGINT'), 700);
    expect((await closed)[0]).toBe(130);
  });

  test('ends when it has failed, though whoever writes goes on', async () => {
    const { status, stderr } = await shell.sh('(echo "FROM scratch"; yes "COP x"; ) | tbuild -; echo done >&2');
    expect(status).toBe(0);
    expect(stderr).toMatch(/TBUILD_DOCKERFILE_SYNTAX\)\ndone\n$/);
  });
});
