import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { lacks } from '../../helpers/capabilities.ts';
import { startGitServer } from '../../helpers/git-server.ts';
import type { GitServer, ServedRepository } from '../../helpers/git-server.ts';
import { inFlight } from '../../helpers/leaks.ts';
import { openWorkshop } from '../../helpers/workshop.ts';
import type { Workshop } from '../../helpers/workshop.ts';
import { buildImage, directory, file, symlink } from './image-tree.ts';

describe.skipIf(lacks('tool:git'))('ADD of a git repository', () => {
  let workshop: Workshop;
  let server: GitServer;
  let repository: ServedRepository;
  let first: string;
  beforeAll(async () => {
    workshop = await openWorkshop();
  });
  afterAll(() => workshop[Symbol.asyncDispose]());
  beforeEach(async () => {
    server = await startGitServer();
    repository = server.repository('r');
    first = repository.commit({
      f: 'one',
      'run.sh*': '#!',
      'sub/deep/d': 'd',
      'sub/up': '-> ../f',
      '.dockerignore': 'f\n',
      'a.tar': 'no tar',
    });
    repository.git('tag', 'v1');
    repository.git('push', '--quiet', '--tags', 'origin');
  });
  afterEach(() => server[Symbol.asyncDispose]());

  test('has the files of the commit, 0644 or 0755, of root, whatever its .dockerignore says', async () => {
    const umask = process.umask(0o077);
    const image = await buildImage(workshop, `ADD ${server.url}/r.git /x/`).finally(() => process.umask(umask));
    expect(image.below('x')).toEqual([
      '.dockerignore',
      'a.tar',
      'f',
      'run.sh',
      'sub',
      'sub/deep',
      'sub/deep/d',
      'sub/up',
    ]);
    expect(image.lines('x', 'x/f', 'x/run.sh', 'x/sub', 'x/sub/up')).toEqual({
      x: directory(),
      'x/f': file('one'),
      'x/run.sh': file('#!', '755'),
      'x/sub': directory(),
      'x/sub/up': symlink('../f'),
    });
  });

  test('takes a ref and a directory, --exclude, --chown and --chmod, and other sources beside it', async () => {
    repository.commit({ f: 'two' });
    const image = await buildImage(
      workshop,
      [
        `ADD ${server.url}/r.git#v1:sub /sub/`,
        `ADD --exclude=sub --exclude=.* --chown=3:4 --chmod=go= one.txt ${server.url}/r.git?tag=v1 /all/`,
        `ADD ${server.url}/r.git#:sub/deep ${server.url}/r.git?ref=main&subdir=sub/deep /both/`,
      ].join('\n'),
      { 'one.txt': '1' },
    );
    expect(image.below('sub')).toEqual(['deep', 'deep/d', 'up']);
    expect(image.below('all')).toEqual(['a.tar', 'f', 'one.txt', 'run.sh']);
    expect(image.lines('all/f', 'all/run.sh', 'all/one.txt')).toEqual({
      'all/f': file('one', '600', '3:4'),
      'all/run.sh': file('#!', '700', '3:4'),
      'all/one.txt': file('1', '600', '3:4'),
    });
    expect(image.below('both')).toEqual(['d']);
  });

  test('has the time of the commit with mtime=commit', async () => {
    const image = await buildImage(workshop, `ADD ${server.url}/r.git?mtime=commit /x/`);
    expect(image.entry('x/f')?.mtime).toBe(1_600_000_000);
  });

  test('keeps .git with --keep-git-dir, or as its URL says', async () => {
    const image = await buildImage(
      workshop,
      `ADD --keep-git-dir=true ${server.url}/r.git#v1 /flag/\nADD ${server.url}/r.git?keep-git-dir=true /query/\nADD --keep-git-dir=false ${server.url}/r.git /none/`,
    );
    expect(image.at('flag/.git/HEAD')).toBe(file(`${first}\n`));
    expect(image.at('query/.git/HEAD')).toBe(file(`${first}\n`));
    expect(image.at('none/.git')).toBeUndefined();
  });

  test('brings submodules without their .git', async () => {
    const module = server.repository('module');
    module.commit({ inner: 'i' });
    repository.addSubmodule(module, 'mod', '../module.git');
    repository.commit({});
    const image = await buildImage(
      workshop,
      `ADD ${server.url}/r.git /x/\nADD ${server.url}/r.git?submodules=false /y/`,
    );
    expect(image.below('x').filter((path) => path.startsWith('mod'))).toEqual(['mod', 'mod/inner']);
    expect(image.below('y').filter((path) => path.startsWith('mod'))).toEqual(['mod']);
  });

  test('is cached as long as its ref is the same commit, which is all that is asked', async () => {
    const context = workshop.context({ Dockerfile: `FROM base\nADD ${server.url}/r.git#main /x/\n` });
    await workshop.build(context);
    const asked = server.requests.length;
    expect(Object.values((await workshop.build(context)).outcomes)).toEqual(['base', 'cached']);
    const later = server.requests.slice(asked);
    expect(later.length).toBeGreaterThan(0);
    // A list of refs, and no pack: protocol version 2 asks for it by POST.
    expect(later.filter(({ method }) => method === 'POST').length).toBeLessThanOrEqual(1);
    const second = repository.commit({ f: 'two' });
    const { causes } = await workshop.build(context);
    expect(Object.values(causes)).toEqual([
      { kind: 'setting', name: `the commit of ${server.url}/r.git#main`, before: first, after: second },
    ]);
  });

  test.each([
    ['in full', 40],
    ['by its first digits', 8],
  ])('at a commit that is named %s is cached without a question', async (_, digits) => {
    const context = workshop.context({
      Dockerfile: `FROM base\nADD ${server.url}/r.git#${first.slice(0, digits)} /x/\n`,
    });
    await workshop.build(context);
    const asked = server.requests.length;
    expect(Object.values((await workshop.build(context)).outcomes)).toEqual(['base', 'cached']);
    if (digits === 40) expect(server.requests).toHaveLength(asked);
  });

  test('is what --checksum says, or an error', async () => {
    const add = (sum: string, ref: string): Promise<unknown> =>
      workshop.build(
        workshop.context({ Dockerfile: `FROM base\nADD --checksum=${sum} ${server.url}/r.git${ref} /x/\n` }),
      );
    await add(first.slice(0, 10), '#v1');
    await add(first, '#main');
    await expect(add('0123456789', '#v1')).rejects.toMatchObject({ code: 'TBUILD_GIT', span: { line: 2 } });
    await expect(add(first.replaceAll(/./g, '0'), '#v1')).rejects.toMatchObject({ code: 'TBUILD_GIT' });
    await expect(add('xyz', '#v1')).rejects.toMatchObject({ code: 'TBUILD_DOCKERFILE_SYNTAX' });
  });

  test.each(['none', '#none', '#main:none', '#main:f', '#main:../../etc', '#:sub/up'])(
    'that is not there is an error with its line: %s',
    async (suffix) => {
      const url = suffix.startsWith('#') ? `${server.url}/r.git${suffix}` : `${server.url}/${suffix}.git`;
      const context = workshop.context({ Dockerfile: `FROM base\nADD ${url} /x/\n` });
      await expect(workshop.build(context)).rejects.toMatchObject({ code: 'TBUILD_GIT', span: { line: 2 } });
    },
  );

  describe('of a server that asks for credentials gets, from secrets,', () => {
    const basic = (token: string): string => `Basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}`;
    const header = 'Basic aGVhZGVyOmhvc3Q=';
    const added = (secrets: Readonly<Record<string, string>>, url = server.url): Promise<unknown> =>
      workshop.build(workshop.context({ Dockerfile: `FROM base\nADD ${url}/r.git /x/\n` }), {
        secrets: Object.fromEntries(Object.entries(secrets).map(([id, value]) => [id, { value }])),
        noCache: true,
      });
    const sent = (): readonly unknown[] => [...new Set(server.requests.map(({ authorization }) => authorization))];

    test('GIT_AUTH_HEADER and GIT_AUTH_TOKEN of its host and port, then those of any, rather than what the URL has', async () => {
      const { host } = server;
      const all = {
        GIT_AUTH_TOKEN: 'any',
        GIT_AUTH_HEADER: header,
        [`GIT_AUTH_TOKEN.${host}`]: 'host\n',
        [`GIT_AUTH_HEADER.${host}`]: 'Basic ZmlyczE=',
      };
      const order = [
        [`GIT_AUTH_HEADER.${host}`, 'Basic ZmlyczE='],
        [`GIT_AUTH_TOKEN.${host}`, basic('host')],
        ['GIT_AUTH_HEADER', header],
        ['GIT_AUTH_TOKEN', basic('any')],
      ] as const;
      const left: Record<string, string> = { ...all, 'GIT_AUTH_TOKEN.127.0.0.2': 'another host' };
      for (const [id, authorization] of order) {
        server.authorization = authorization;
        server.requests.length = 0;
        await added(left, server.url.replace('//', '//user:hush@'));
        expect(sent()).toEqual([authorization]);
        delete left[id];
      }
      await expect(added(left)).rejects.toMatchObject({
        code: 'TBUILD_GIT',
        span: { line: 2 },
        hint: `Give a secret GIT_AUTH_TOKEN.${host} or GIT_AUTH_TOKEN.`,
      });
    });

    test('what goes with it when its server has moved it, but to no other', async () => {
      await using other = await startGitServer('127.0.0.2');
      other.repository('r').commit({ f: 'f' });
      server.authorization = basic('any');
      server.moved.set('/once/', '/old/');
      server.moved.set('/old/', '/');
      const moved = (url: string): Promise<unknown> =>
        workshop.build(workshop.context({ Dockerfile: `FROM base\nADD ${url} /x/\nRUN cat /x/f\n` }), {
          secrets: { GIT_AUTH_TOKEN: { value: 'any' } },
          noCache: true,
        });
      for (const ref of ['', '#v1', `#${first}`, `#${first.slice(0, 8)}`]) {
        expect(await moved(`${server.url}/once/r.git${ref}`)).toMatchObject({ output: 'one' });
      }
      server.moved.set('/away/', `${other.url}/`);
      await expect(moved(`${server.url}/away/r.git`)).rejects.toMatchObject({
        code: 'TBUILD_GIT',
        hint: 'The server redirects to another one, which gets no credentials: give the address that it redirects to.',
      });
      expect(other.requests.filter(({ authorization }) => authorization !== undefined)).toEqual([]);
      expect(inFlight(workshop.store.root)).toEqual([]);
    });

    test('what stays with its server, also when that redirects or has a submodule elsewhere', async () => {
      await using other = await startGitServer('127.0.0.2');
      const module = other.repository('r');
      module.commit({ f: 'f' });
      server.authorization = basic('any');
      server.redirect = other.url;
      await expect(added({ GIT_AUTH_TOKEN: 'any' })).rejects.toMatchObject({ code: 'TBUILD_GIT' });
      server.redirect = undefined;
      repository.addSubmodule(module, 'mod', `${other.url}/r.git`);
      repository.commit({});
      await added({ GIT_AUTH_TOKEN: 'any' });
      expect(other.requests.length).toBeGreaterThan(0);
      expect(other.requests.filter(({ authorization }) => authorization !== undefined)).toEqual([]);
    });
  });

  test('leaves nothing of the checkout behind', async () => {
    await workshop.build(workshop.context({ Dockerfile: `FROM scratch\nADD ${server.url}/r.git /left/\n` }));
    expect(inFlight(workshop.store.root)).toEqual([]);
  });
});
