import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lacks } from '../helpers/capabilities.ts';
import { openShell } from '../helpers/shell.ts';
import type { Shell } from '../helpers/shell.ts';

let shell: Shell;
beforeAll(async () => {
  shell = await openShell();
  const context = shell.context({ Dockerfile: 'FROM base\nCOPY word /word\nCMD ["cat", "/word"]\n', word: 'kept\n' });
  const { status, stderr } = await shell.tbuild('-t', 'app:1', '-t', 'app:2', context);
  if (status !== 0) throw new Error(stderr);
});
afterAll(() => shell[Symbol.dispose]());

const idOf = async (name: string, store?: string): Promise<string> =>
  (await shell.sh(`${store === undefined ? '' : `TBUILD_STORE=${store} `}tbuild images -q --no-trunc ${name}`)).stdout;

describe('tbuild save and load', () => {
  test('carry images into another store: by file, by pipe, compressed', async () => {
    const original = await idOf('');
    expect(await shell.tbuild('save', '-o', 'app.tar', 'app')).toEqual({ status: 0, stdout: '', stderr: '' });
    const ways = ['tbuild load -i app.tar', 'tbuild load < app.tar', 'gzip -c app.tar | tbuild load -i -'];
    for (const [index, way] of ways.entries()) {
      const store = join(shell.directory, `other-${index}`);
      const { status, stdout, stderr } = await shell.sh(`export TBUILD_STORE=${store}; ${way}`);
      expect({ status, stdout, stderr }).toEqual({
        status: 0,
        stdout: 'Loaded image: app:1\nLoaded image: app:2\n',
        stderr: '',
      });
      expect(original).toContain(await idOf('', store));
    }
  });

  test.skipIf(lacks('user-namespaces', 'overlay'))('carry what runs', async () => {
    const store = join(shell.directory, 'running');
    const { stdout } = await shell.sh(
      `tbuild save app:1 | TBUILD_STORE=${store} tbuild load && TBUILD_STORE=${store} tbuild run --rm app:1`,
    );
    expect(stdout).toBe('Loaded image: app:1\nkept\n');
  });

  test('of an image without a name say its id', async () => {
    const id = (await idOf('')).split('\n')[0] ?? '';
    const store = join(shell.directory, 'nameless');
    const { stdout } = await shell.sh(`tbuild save ${id} | TBUILD_STORE=${store} tbuild load`);
    expect(stdout).toBe(`Loaded image ID: ${id}\n`);
  });

  test('leave no file behind when they fail, and an old one as it was', async () => {
    await shell.sh('echo old > kept.tar');
    const { status, stderr } = await shell.tbuild('save', '-o', 'kept.tar', 'app', 'nope');
    expect(status).toBe(1);
    expect(stderr).toContain('No such image: nope');
    expect(readFileSync(join(shell.directory, 'kept.tar'), 'utf8')).toBe('old\n');
    expect(readdirSync(shell.directory).filter((name) => name.includes('partial'))).toEqual([]);
    expect((await shell.tbuild('save', '-o', '/nowhere/app.tar', 'app')).stderr).toContain('TBUILD_OUTPUT');
    expect((await shell.tbuild('load', '-i', 'kept.tar')).stderr).toContain('TBUILD_ARCHIVE');
    expect((await shell.tbuild('load', '-i', 'nowhere.tar')).stderr).toContain('nowhere.tar');
  });

  test.skipIf(lacks('tool:script'))('refuse a terminal where an archive would go or come from', async () => {
    const save = await shell.sh('script -qec "tbuild save app" /dev/null < /dev/null');
    expect(save.stdout).toContain('cowardly refusing to save to a terminal');
    const load = await shell.sh('script -qec "tbuild load" /dev/null < /dev/null');
    expect(load.stdout).toContain('which is a terminal');
  });

  test.each([
    ['of what is asked for by platform', ['save', '--platform', 'linux/s390x', 'app'], 'TBUILD_PLATFORM_MISMATCH', 1],
    ['without an image', ['save'], 'TBUILD_USAGE', 125],
    ['with an argument too many', ['load', 'app.tar'], 'TBUILD_USAGE', 125],
  ])('%s fail with a code', async (_, argv, code, status) => {
    const ran = await shell.tbuild(...argv);
    expect(ran.status).toBe(status);
    expect(ran.stderr).toContain(code);
    expect(ran.stdout).toBe('');
  });
});

describe('tbuild build -o type=docker', () => {
  test('writes what tbuild save writes', async () => {
    const context = shell.context({ Dockerfile: 'FROM base\nLABEL a=b\n' });
    const { status } = await shell.tbuild('-t', 'out:1', '-o', 'type=docker,dest=out.tar', context);
    expect(status).toBe(0);
    expect((await shell.sh('tbuild save out:1 | cmp - out.tar')).status).toBe(0);
    const piped = await shell.sh(`tbuild -q -t out:1 -o type=docker,dest=- ${context} 2> id | cmp - out.tar`);
    expect(piped.status).toBe(0);
    expect(statSync(join(shell.directory, 'out.tar')).size).toBeGreaterThan(1000);
  });

  test.each([
    ['--load', ['--load']],
    ['-o type=docker', ['-o', 'type=docker']],
  ])('without a file (%s) says before the first step that no engine answers', async (_, options) => {
    const context = shell.context({ Dockerfile: 'FROM scratch\nCOPY a /a\n', a: 'a' });
    const { status, stdout, stderr } = await shell.sh(
      `DOCKER_HOST=unix://${shell.directory}/none.sock tbuild ${options.join(' ')} ${context}`,
    );
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain(`neither Docker nor Podman answers at ${shell.directory}/none.sock (ENOENT)`);
    expect(stderr).toContain('(TBUILD_OUTPUT)');
  });

  test('as type=image or registry is not there yet, which is said', async () => {
    const context = shell.context({ Dockerfile: 'FROM scratch\n' });
    for (const output of ['type=registry', 'type=image,name=x,push=true']) {
      const { status, stderr } = await shell.tbuild('-o', output, context);
      expect(status).toBe(1);
      expect(stderr).toContain('pushing is not supported yet');
    }
    expect(existsSync(join(shell.directory, 'type=registry'))).toBe(false);
  });
});
