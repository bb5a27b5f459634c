import { execFileSync, spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { directory as directoryEntry, file as fileEntry } from '../../../fixtures/layers/layer-case.ts';
import { tarOf } from '../../../fixtures/layers/tar-bytes.ts';
import { isTbuildError, openStore } from '../../../src/index.ts';
import type { BuildOptions } from '../../../src/index.ts';
import { lacks } from '../../helpers/capabilities.ts';
import { startFileServer } from '../../helpers/file-server.ts';
import type { FileServer } from '../../helpers/file-server.ts';
import { startGitServer } from '../../helpers/git-server.ts';
import type { GitServer, ServedRepository } from '../../helpers/git-server.ts';
import { inFlight } from '../../helpers/leaks.ts';
import { openWorkshop } from '../../helpers/workshop.ts';
import type { Workshop } from '../../helpers/workshop.ts';
import { buildImage, directory, file, symlink } from './image-tree.ts';
import type { ExportedImage } from './image-tree.ts';

let workshop: Workshop;
let server: FileServer;
beforeAll(async () => {
  workshop = await openWorkshop();
});
afterAll(() => workshop[Symbol.asyncDispose]());
beforeEach(async () => {
  server = await startFileServer();
});
afterEach(() => server[Symbol.asyncDispose]());

const buildFrom = (context: string, options: Partial<BuildOptions> = {}): Promise<ExportedImage> =>
  buildImage(workshop, '', context, options);
const stdin = (text: string): Readable => Readable.from([Buffer.from(text)]);
const nothingInFlight = (): void => expect(inFlight(workshop.store.root)).toEqual([]);

describe.skipIf(lacks('tool:git'))('a git repository as build context', () => {
  let git: GitServer;
  let repository: ServedRepository;
  let url: string;
  beforeEach(async () => {
    git = await startGitServer();
    repository = git.repository('r');
    url = `${git.url}/r.git`;
    repository.commit({
      Dockerfile: 'FROM scratch\nCOPY . /all/\n',
      '.dockerignore': 'f\n',
      f: 'one',
      'run.sh*': '#!',
      'sub/Dockerfile': 'FROM scratch\nCOPY . /sub/\n',
      'sub/deep/Other': 'FROM scratch\nCOPY deep /deep/\n',
      'sub/up': '-> ../f',
      link: '-> sub',
    });
    repository.git('tag', 'v1');
    repository.git('push', '--quiet', '--tags', 'origin');
  });
  afterEach(() => git[Symbol.asyncDispose]());

  test('has the files of the commit, of root, 0644 or 0755, whatever its .dockerignore says', async () => {
    const image = await buildFrom(url);
    expect(image.below('all')).toEqual(
      ['.dockerignore', 'Dockerfile', 'f', 'link', 'run.sh', 'sub', 'sub/Dockerfile', 'sub/deep', 'sub/deep/Other', 'sub/up'], // prettier-ignore
    );
    expect(image.lines('all/f', 'all/run.sh', 'all/sub', 'all/link')).toEqual({
      'all/f': file('one'),
      'all/run.sh': file('#!', '755'),
      'all/sub': directory(),
      'all/link': symlink('sub'),
    });
    nothingInFlight();
  });

  test.each([
    ['#main:sub', {}, 'sub', ['Dockerfile', 'deep', 'deep/Other', 'up']],
    ['?ref=v1&subdir=sub', { dockerfile: 'deep/Other' }, 'deep', ['Other']],
    ['#v1:/sub/', { dockerfile: '../../Dockerfile' }, 'sub', ['Dockerfile', 'deep', 'deep/Other', 'up']],
    ['#:sub/deep', { dockerfile: '-', stdin: stdin('FROM scratch\nCOPY . /x/\n') }, 'x', ['Other']],
  ])('%s with %o: the Dockerfile is relative to the directory in it', async (rest, options, place, paths) => {
    expect((await buildFrom(url + rest, options)).below(place)).toEqual(paths);
  });

  test('takes an absolute -f for a Dockerfile of this machine', async () => {
    const dockerfile = join(workshop.context({ Dockerfile: 'FROM scratch\nCOPY f /here\n' }), 'Dockerfile');
    expect((await buildFrom(url, { dockerfile })).at('here')).toBe(file('one'));
  });

  test('is fetched once for a commit; a further commit is a miss that names its files', async () => {
    await workshop.build(url);
    const fetched = git.requests.length;
    const again = await workshop.build(url);
    expect(again.events[0]?.type).toBe('graph');
    expect(again.outcomes['COPY . /all/']).toBe('cached');
    // The server was asked for the commit of the ref, and for nothing else.
    const asked = git.requests.slice(fetched).map(({ path, method }) => `${method} ${path}`);
    expect(asked[0]).toContain('info/refs');
    expect(asked.length).toBeLessThanOrEqual(2);
    repository.commit({ f: 'two' });
    const changed = await workshop.build(url);
    expect(changed.events[0]).toEqual({ type: 'context:fetch', context: url });
    expect(changed.outcomes['COPY . /all/']).toBe('executed');
    expect(JSON.stringify(changed.causes['COPY . /all/'])).toContain('"f"');
    expect((await workshop.build(`${url}#v1`)).image.id).toBe(again.image.id);
  });

  test('is fetched again when the store no longer has it', async () => {
    const elsewhere = { store: undefined, storeRoot: join(workshop.directory, 'pruned') };
    const before = await workshop.build(url, elsewhere);
    {
      await using store = await openStore({ root: elsewhere.storeRoot });
      await store.prune({ all: true });
    }
    const again = await workshop.build(url, elsewhere);
    expect(again.outcomes['COPY . /all/']).toBe('executed');
    expect(again.image.chain.map(({ state }) => state)).toEqual(before.image.chain.map(({ state }) => state));
  });

  test('has .git with BUILDKIT_CONTEXT_KEEP_GIT_DIR, and only then', async () => {
    expect((await buildFrom(url)).at('all/.git')).toBeUndefined();
    const kept = await buildFrom(url, { buildArgs: { BUILDKIT_CONTEXT_KEEP_GIT_DIR: '1' } });
    expect(kept.at('all/.git/HEAD')).toBeDefined();
    expect(kept.built.events.filter(({ type }) => type === 'warning')).toEqual([]);
  });

  test('gives what RUN mounts, and what ADD unpacks', async () => {
    repository.commit({
      Dockerfile:
        'FROM base\nRUN --mount=target=/c --mount=target=/s,source=sub cat /c/f /s/up/../../c/f > /out; ls /s > /ls\n',
    });
    const image = await buildFrom(url);
    expect(image.at('ls')).toBe(file('Dockerfile\ndeep\nup\n'));
  });

  test.each([
    ['#nope', {}, 'TBUILD_GIT', 'has no branch, tag or commit nope'],
    ['#:nope', {}, 'TBUILD_GIT', 'has no directory nope'],
    ['#:f', {}, 'TBUILD_GIT', 'f is a file'],
    ['#:link', {}, 'TBUILD_GIT', 'link is a link'],
    ['#:sub/up', {}, 'TBUILD_GIT', 'sub/up is a link'],
    ['', { dockerfile: 'nope' }, 'TBUILD_DOCKERFILE_NOT_FOUND', 'there is no nope in http'],
    ['', { dockerfile: 'sub' }, 'TBUILD_DOCKERFILE_NOT_FOUND', 'not a regular file'],
    ['#:sub/deep', {}, 'TBUILD_DOCKERFILE_NOT_FOUND', 'there is no Dockerfile in http'],
  ])('%s with %o is refused with %s: %s', async (rest, options, code, why) => {
    await expect(workshop.build(url + rest, options)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(why) as string,
    });
    nothingInFlight();
  });

  test('that cannot be had says what to do', async () => {
    const hintOf = async (context: string): Promise<unknown> =>
      workshop.build(context).catch((error: unknown) => (isTbuildError(error, 'TBUILD_GIT') ? error.hint : error));
    expect(await hintOf(`${git.url}/none.git`)).toBe(
      `Check the address. A private repository wants a secret GIT_AUTH_TOKEN.${git.host} or GIT_AUTH_TOKEN.`,
    );
    for (const url of ['http://127.0.0.1:1/x.git', 'git://127.0.0.1:1/x']) {
      expect(await hintOf(url)).toBe('Check the host and port, and that the server runs.');
    }
    expect(await hintOf('http://nosuch.invalid/x.git')).toBe("Check the spelling of the host, and this machine's DNS.");
  });

  test('shows the line of its Dockerfile that is wrong, and what is missing in it', async () => {
    repository.commit({ Dockerfile: 'FROM scratch\nCOPY nope /x\n', 'sub/Dockerfile': 'FRMO scratch\n' });
    await expect(workshop.build(`${url}#:sub`)).rejects.toMatchObject({
      code: 'TBUILD_DOCKERFILE_SYNTAX',
      details: { dockerfile: 'FRMO scratch\n' },
    });
    await expect(workshop.build(url)).rejects.toMatchObject({
      code: 'TBUILD_SOURCE_NOT_FOUND',
      message: '"nope" is not in the build context',
      span: { file: 'Dockerfile', line: 2 },
      hint: `all that ${url} has at that commit counts, whatever .dockerignore says`,
    });
  });

  test('is a context by a name too: in COPY, FROM and a mount, with a directory of it', async () => {
    const image = await buildImage(
      workshop,
      [
        'FROM r AS other',
        'FROM base',
        'COPY --from=r f /f',
        'COPY --from=sub . /sub/',
        'COPY --from=other /run.sh /',
        'RUN --mount=from=sub,target=/m ls /m > /ls',
      ].join('\n'),
      {},
      { buildContexts: { r: url, sub: `${url}#v1:sub` } },
    );
    expect(image.at('f')).toBe(file('one'));
    expect(image.at('run.sh')).toBe(file('#!', '755'));
    expect(image.below('sub')).toEqual(['Dockerfile', 'deep', 'deep/Other', 'up']);
    expect(image.at('ls')).toBe(file('Dockerfile\ndeep\nup\n'));
  });
});

describe('a URL as build context', () => {
  const dockerfile = fileEntry('Dockerfile', 'FROM scratch\nCOPY . /all/\n');
  const owned = { ...fileEntry('owned', 'mine'), uid: 12, gid: 34, mode: 0o640, mtime: 1_000_000_000 };
  const tar = tarOf(
    directoryEntry('./'),
    dockerfile,
    fileEntry('.dockerignore', '*'),
    directoryEntry('d'),
    fileEntry('d/Other', 'FROM scratch\nCOPY d /d/\n'),
    owned,
  );

  test('of an archive is unpacked: with owners and times, whatever its .dockerignore says', async () => {
    server.files.set('/c', { content: tar });
    const image = await buildFrom(`${server.url}/c`);
    expect(image.below('all')).toEqual(['.dockerignore', 'Dockerfile', 'd', 'd/Other', 'owned']);
    expect(image.at('all/owned')).toBe(file('mine', '640', '12:34'));
    expect(image.entry('all/owned')?.mtime).toBe(1_000_000_000);
    nothingInFlight();
  });

  test.each(['gzip', 'xz', 'bzip2', 'zstd'].filter((program) => !lacks(`tool:${program}`)))(
    'of an archive may be compressed with %s, whatever it is called',
    async (program) => {
      server.files.set('/plain', { content: tar });
      server.files.set('/packed?v=1', { content: execFileSync(program, ['-c'], { input: tar }) });
      const plain = await workshop.build(`${server.url}/plain`);
      expect((await workshop.build(`${server.url}/packed?v=1#fragment`)).image.id).toBe(plain.image.id);
    },
  );

  test('of an archive has the Dockerfile that -f names in it, on standard input, behind a URL or on this machine', async () => {
    server.files.set('/c.tar.gz', { content: gzipSync(tar) });
    server.files.set('/D', { content: 'FROM scratch\nCOPY owned /far\n' });
    const url = `${server.url}/c.tar.gz`;
    for (const path of ['d/Other', '../d/./Other'])
      expect((await buildFrom(url, { dockerfile: path })).below('d')).toEqual(['Other']);
    const fromStdin = await buildFrom(url, { dockerfile: '-', stdin: stdin('FROM scratch\nCOPY owned /in\n') });
    expect(fromStdin.at('in')).toBe(file('mine', '640', '12:34'));
    expect((await buildFrom(url, { dockerfile: `${server.url}/D` })).at('far')).toBe(file('mine', '640', '12:34'));
    const here = join(workshop.context({ D: 'FROM scratch\nCOPY owned /here\n' }), 'D');
    expect((await buildFrom(url, { dockerfile: here })).at('here')).toBe(file('mine', '640', '12:34'));
  });

  test('of an archive that is unchanged is neither downloaded nor unpacked again', async () => {
    server.files.set('/c', { content: tar, headers: { etag: '"1"' } });
    const fetches = async (): Promise<unknown> =>
      (await workshop.build(`${server.url}/c`)).events.filter(({ type }) => type === 'context:fetch');
    expect(await fetches()).toEqual([{ type: 'context:fetch', context: `${server.url}/c` }]);
    expect(await fetches()).toEqual([]);
    const again = await workshop.build(`${server.url}/c`);
    expect(again.outcomes['COPY . /all/']).toBe('cached');
    expect(server.requests.map(({ status }) => status)).toEqual([200, 304, 304]);
    server.files.set('/c', {
      content: tarOf(dockerfile, { ...owned, content: Buffer.from('yours') }),
      headers: { etag: '"2"' },
    });
    const changed = await workshop.build(`${server.url}/c`);
    expect(changed.outcomes['COPY . /all/']).toBe('executed');
    expect(JSON.stringify(changed.causes['COPY . /all/'])).toContain('owned');
  });

  test('of a Dockerfile is the Dockerfile, and the only file of the context, which is called context', async () => {
    const content = 'FROM scratch\nCOPY . /x/\n';
    server.files.set('/D', { content, headers: { 'last-modified': 'Sun, 09 Sep 2001 01:46:40 GMT' } });
    const image = await buildFrom(`${server.url}/D`);
    expect(image.below('x')).toEqual(['context']);
    expect(image.at('x/context')).toBe(file(content, '600'));
    expect(image.entry('x/context')?.mtime).toBe(1_000_000_000);
    expect((await workshop.build(`${server.url}/D`)).outcomes['COPY . /x/']).toBe('cached');
  });

  test.each([
    ['/none', {}, 'TBUILD_DOWNLOAD', 'status 404'],
    ['/empty.tar', {}, 'TBUILD_DOCKERFILE_NOT_FOUND', 'there is no Dockerfile in http'],
    ['/c', { dockerfile: 'nope' }, 'TBUILD_DOCKERFILE_NOT_FOUND', 'there is no nope in http'],
    ['/D', { dockerfile: 'x' }, 'TBUILD_USAGE', 'ambiguous Dockerfile source'],
    ['/D', { dockerfile: '-', stdin: stdin('FROM scratch') }, 'TBUILD_USAGE', 'ambiguous Dockerfile source'],
    ['/cut', {}, 'TBUILD_ARCHIVE', 'the build context http'],
    ['/packed', {}, 'TBUILD_ARCHIVE', 'the build context http'],
    ['/c', { dockerfile: 'http://127.0.0.1:1/x' }, 'TBUILD_DOWNLOAD', 'ECONNREFUSED'],
  ])('%s with %o is refused with %s: %s', async (path, options, code, why) => {
    server.files.set('/empty.tar', { content: tarOf(fileEntry('f')) });
    server.files.set('/c', { content: tar });
    server.files.set('/D', { content: 'FROM scratch\n' });
    server.files.set('/cut', { content: tar.subarray(0, 2000) });
    server.files.set('/packed', { content: gzipSync('no tar') });
    await expect(workshop.build(server.url + path, options)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(why) as string,
    });
    nothingInFlight();
  });

  test('that is ended while it is fetched leaves nothing in flight', async () => {
    const hanging = createServer((_, response) => void response.writeHead(200).write(tar.subarray(0, 600)));
    await new Promise<void>((resolve) => {
      hanging.listen(0, '127.0.0.1', resolve);
    });
    const url = `http://127.0.0.1:${(hanging.address() as AddressInfo).port}/c`;
    const before = Date.now();
    await expect(workshop.build(url, { signal: AbortSignal.timeout(300) })).rejects.toMatchObject({
      name: 'TimeoutError',
    });
    expect(Date.now() - before).toBeLessThan(5000);
    hanging.closeAllConnections();
    hanging.close();
    nothingInFlight();
  });

  test('reaches a server with the credentials of the URL or of a secret, which are kept nowhere', async () => {
    const authorization = `Basic ${Buffer.from('user:hush-hush').toString('base64')}`;
    server.files.set('/c', { content: 'FROM scratch\nLABEL a=b\n', authorization });
    server.files.set('/s', { content: 'FROM scratch\nLABEL a=c\n', authorization: 'Bearer hush-hush' });
    await workshop.build(`${server.url.replace('//', '//user:hush-hush@')}/c`);
    await workshop.build(`${server.url}/s`, {
      secrets: { 'HTTP_AUTH_TOKEN_127.0.0.1': { value: 'hush-hush' } },
    });
    await expect(workshop.build(`${server.url}/c`)).rejects.toMatchObject({ code: 'TBUILD_DOWNLOAD' });
    // Files of others, which this user may not read, are no secret of anybody.
    const { stdout } = spawnSync('grep', ['-rslaF', 'hush-hush', workshop.store.root], { encoding: 'utf8' });
    expect(stdout).toBe('');
  });
});

test('the Dockerfile of a directory may be behind a URL; the .dockerignore of the directory counts', async () => {
  server.files.set('/D', { content: 'FROM scratch\nCOPY . /x/\n' });
  const context = workshop.context({ a: 'a', b: 'b', '.dockerignore': 'b\n' });
  expect((await buildFrom(context, { dockerfile: `${server.url}/D` })).below('x')).toEqual(['.dockerignore', 'a']);
});
