import { gzipSync } from 'node:zlib';
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { tarOf } from '../../../fixtures/layers/tar-bytes.ts';
import type { BuildOptions } from '../../../src/index.ts';
import { startFileServer } from '../../helpers/file-server.ts';
import type { FileServer } from '../../helpers/file-server.ts';
import { openWorkshop } from '../../helpers/workshop.ts';
import type { Built, Workshop } from '../../helpers/workshop.ts';
import { buildImage, directory, file } from './image-tree.ts';

// What docker build makes of each of these is what is expected here; it was asked.
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

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const modified = 'Tue, 02 Jan 2018 03:04:05 GMT';

describe('ADD of a URL', () => {
  test('is a file of root that only root can read, with the time of Last-Modified', async () => {
    server.files.set('/a.txt', { content: 'a', headers: { 'last-modified': modified } });
    server.files.set('/old', { content: 'o' });
    const image = await buildImage(
      workshop,
      `ADD ${server.url}/a.txt ${server.url}/old /x/\nADD ${server.url}/a.txt /named`,
    );
    expect(image.lines('x', 'x/a.txt', 'x/old', 'named')).toEqual({
      x: directory(),
      'x/a.txt': file('a', '600'),
      'x/old': file('o', '600'),
      named: file('a', '600'),
    });
    expect(image.entry('x/a.txt')?.mtime).toBe(Date.parse(modified) / 1000);
    expect(image.entry('x/old')?.mtime).toBe(0);
  });

  test.each([
    ['/', '__unnamed__'],
    ['/dir/', 'dir'],
    ['/a%20b', 'a b'],
    ['/q.txt?a=b/c', 'q.txt'],
    ['/a%2Fb.txt', 'b.txt'],
    ['/*.txt', '*.txt'],
  ])('%s has the name %s', async (path, name) => {
    server.files.set(path, { content: 'x', headers: { 'content-disposition': 'attachment; filename="other"' } });
    const image = await buildImage(workshop, `ADD ${server.url}${path} /x/`);
    expect(image.below('x')).toEqual([name]);
  });

  test('without a path has none', async () => {
    server.files.set('/', { content: 'x' });
    expect((await buildImage(workshop, `ADD ${server.url} /x/`)).below('x')).toEqual(['__unnamed__']);
  });

  test('takes --chmod and --chown, variables, and files of the context beside it', async () => {
    server.files.set('/a', { content: 'a' });
    const image = await buildImage(
      workshop,
      `FROM base\nARG FROM_WHERE=${server.url}\nADD --chmod=u+x,g=r --chown=3:4 one.txt \${FROM_WHERE}/a two.txt /x/`,
      { 'one.txt': '1', 'two.txt': '2' },
    );
    expect(image.lines('x/a', 'x/one.txt', 'x/two.txt')).toEqual({
      'x/a': file('a', '740', '3:4'),
      'x/one.txt': file('1', '744', '3:4'),
      'x/two.txt': file('2', '744', '3:4'),
    });
  });

  test('is unpacked only with --unpack, as an archive of the context is not with --unpack=false', async () => {
    const tar = gzipSync(tarOf({ name: 'in', content: 'i' }));
    server.files.set('/t.tar.gz', { content: tar });
    server.files.set('/plain', { content: 'p' });
    const context = workshop.context({
      't.tar.gz': tar,
      Dockerfile: [
        'FROM base',
        `ADD ${server.url}/t.tar.gz /kept/`,
        `ADD --unpack ${server.url}/t.tar.gz /unpacked/`,
        `ADD --unpack=true ${server.url}/plain /plain/`,
        'ADD --unpack=false t.tar.gz /local/',
        'ADD t.tar.gz /default/',
      ].join('\n'),
    });
    const image = await buildImage(workshop, '', context);
    expect(['kept', 'unpacked', 'plain', 'local', 'default'].map((path) => image.below(path))).toEqual([
      ['t.tar.gz'],
      ['in'],
      ['plain'],
      ['t.tar.gz'],
      ['in'],
    ]);
  });

  test('whose content is gzipped for the way is the content', async () => {
    const headers = { 'content-encoding': 'gzip' };
    server.files.set('/a', { content: gzipSync('plain text'), headers });
    expect((await buildImage(workshop, `ADD ${server.url}/a /a`)).at('a')).toBe(file('plain text', '600'));
  });
});

describe('ADD of a URL again', () => {
  test('asks the server, and downloads nothing that is unchanged', async () => {
    server.files.set('/tagged', { content: 't', headers: { etag: '"v1"' } });
    server.files.set('/dated', { content: 'd', headers: { 'last-modified': modified } });
    const context = workshop.context({ Dockerfile: `FROM base\nADD ${server.url}/tagged ${server.url}/dated /x/\n` });
    await workshop.build(context);
    const { outcomes } = await workshop.build(context);
    expect(Object.values(outcomes)).toEqual(['base', 'cached']);
    expect(server.requests.map(({ path, status }) => `${path} ${status}`).toSorted()).toEqual([
      '/dated 200',
      '/dated 304',
      '/tagged 200',
      '/tagged 304',
    ]);
  });

  test('is cached where the content is the same, whatever else has changed, and says what has changed', async () => {
    server.files.set('/a', { content: 'a', headers: { etag: '"v1"' } });
    const context = workshop.context({ Dockerfile: `FROM base\nADD ${server.url}/a?token=hush /x/\n` });
    server.files.set('/a?token=hush', { content: 'a', headers: { etag: '"v1"' } });
    await workshop.build(context);
    server.files.set('/a?token=hush', { content: 'a', headers: { etag: '"v2"' } });
    expect(Object.values((await workshop.build(context)).outcomes)).toEqual(['base', 'cached']);
    server.files.set('/a?token=hush', { content: 'b', headers: { etag: '"v3"' } });
    const { causes } = await workshop.build(context);
    expect(Object.values(causes)).toEqual([
      {
        kind: 'setting',
        name: `the content of ${server.url}/a`,
        before: `sha256:${sha256('a')}`,
        after: `sha256:${sha256('b')}`,
      },
    ]);
  });

  test('is one request for all stages of a build', async () => {
    server.files.set('/a', { content: 'a' });
    const dockerfile = `FROM base AS one\nADD ${server.url}/a /x\nFROM base\nADD ${server.url}/a /y\nCOPY --from=one /x /z\n`;
    await workshop.build(workshop.context({ Dockerfile: dockerfile }));
    expect(server.requests).toHaveLength(1);
  });

  test('downloads what the store no longer has', async () => {
    server.files.set('/a', { content: 'a', headers: { etag: '"v1"' } });
    const text = (label: string): string => `FROM base\nRUN echo ${label} > /l\nADD ${server.url}/a /x/\n`;
    await workshop.build(workshop.context({ Dockerfile: text('1') }));
    await workshop.store.prune({ all: true });
    const image = await buildImage(workshop, '', workshop.context({ Dockerfile: text('2') }));
    expect(image.at('x/a')).toBe(file('a', '600'));
  });
});

describe('--checksum', () => {
  test('is what the content must be; then the server is not asked again', async () => {
    server.files.set('/a', { content: 'summed' });
    const context = workshop.context({
      Dockerfile: `FROM base\nARG SUM=sha256:${sha256('summed')}\nADD --checksum=$SUM ${server.url}/a /x\n`,
    });
    await workshop.build(context);
    await workshop.build(context);
    expect(server.requests).toHaveLength(1);
  });

  test('that is another is an error, and nothing is kept', async () => {
    server.files.set('/a', { content: 'other' });
    const context = workshop.context({
      Dockerfile: `FROM base\nADD --checksum=sha256:${sha256('never seen')} ${server.url}/a /x\n`,
    });
    await expect(workshop.build(context)).rejects.toMatchObject({
      code: 'TBUILD_DIGEST_MISMATCH',
      message: `${server.url}/a: the content is not what --checksum says`,
      span: { line: 2 },
    });
    const blobs = readdirSync(join(workshop.store.root, 'blobs/sha256'));
    expect(blobs).not.toContain(sha256('other'));
  });
});

test('credentials of a URL reach its server alone, and neither history nor store', async () => {
  await using other = await startFileServer('127.0.0.2');
  const authorization = `Basic ${Buffer.from('user:hush-hush').toString('base64')}`;
  server.files.set('/a', { content: 'a', authorization });
  server.files.set('/far', { content: '', status: 302, headers: { location: `${other.url}/b` }, authorization });
  other.files.set('/b', { content: 'b' });
  const url = server.url.replace('//', '//user:hush-hush@');
  const context = workshop.context({ Dockerfile: `FROM base\nARG URL\nADD $URL/a $URL/far /x/\n` });
  const image = await buildImage(workshop, '', context, { buildArgs: { URL: url } });
  expect(image.below('x')).toEqual(['a', 'far']);
  expect(other.requests[0]?.headers.authorization).toBeUndefined();
  expect(JSON.stringify(image.config.history)).toContain('ADD http://xxxxx:xxxxx@127.0.0.1');
});

describe('a server that asks for credentials gets, from secrets,', () => {
  const bearer = 'Bearer token-of-the-host';
  const header = 'Basic aGVhZGVyOmhvc3Q=';
  const both = {
    'HTTP_AUTH_TOKEN_127.0.0.1': { value: 'token-of-the-host\n' },
    'HTTP_AUTH_HEADER_127.0.0.1': { value: header },
  } as const;
  const added = (path: string, secrets: NonNullable<BuildOptions['secrets']>): Promise<Built> =>
    workshop.build(workshop.context({ Dockerfile: `FROM base\nADD ${path} /x/\n` }), { secrets });

  test('HTTP_AUTH_TOKEN_<host> as Bearer, or else all of HTTP_AUTH_HEADER_<host>, rather than what the URL has', async () => {
    server.files.set('/token', { content: 'a', authorization: bearer });
    server.files.set('/header', { content: 'b', authorization: header });
    await added(`${server.url}/token`, both);
    await added(`${server.url.replace('//', '//user:hush@')}/token`, both);
    await added(`${server.url}/header`, { 'HTTP_AUTH_HEADER_127.0.0.1': both['HTTP_AUTH_HEADER_127.0.0.1'] });
    expect(server.requests.map(({ status, headers }) => [status, headers.authorization])).toEqual([
      [200, bearer],
      [200, bearer],
      [200, header],
    ]);
  });

  test('nothing that is meant for another host, and the error says what to give', async () => {
    server.files.set('/token', { content: 'a', authorization: bearer });
    await expect(
      added(`${server.url}/token`, {
        'HTTP_AUTH_TOKEN_127.0.0.2': both['HTTP_AUTH_TOKEN_127.0.0.1'],
        [`HTTP_AUTH_TOKEN_${server.host}`]: both['HTTP_AUTH_TOKEN_127.0.0.1'],
        HTTP_AUTH_TOKEN: both['HTTP_AUTH_TOKEN_127.0.0.1'],
      }),
    ).rejects.toMatchObject({
      code: 'TBUILD_DOWNLOAD',
      span: { line: 2 },
      hint: 'Give a secret HTTP_AUTH_TOKEN_127.0.0.1 or HTTP_AUTH_HEADER_127.0.0.1.',
    });
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });

  test('what stays with its server: a redirect to another host, or port, goes without', async () => {
    await using otherHost = await startFileServer('127.0.0.2');
    await using otherPort = await startFileServer();
    for (const [path, location] of [
      ['/host', `${otherHost.url}/x`],
      ['/port', `${otherPort.url}/x`],
      ['/back', `${otherHost.url}/back`],
      ['/same', '/x'],
    ] as const) {
      server.files.set(path, { content: '', status: 302, headers: { location }, authorization: bearer });
    }
    otherHost.files.set('/x', { content: 'x' });
    otherHost.files.set('/back', { content: '', status: 302, headers: { location: `${server.url}/open` } });
    otherPort.files.set('/x', { content: 'x' });
    server.files.set('/x', { content: 'x', authorization: bearer });
    server.files.set('/open', { content: 'x' });
    for (const path of ['/host', '/port', '/back', '/same']) await added(`${server.url}${path}`, both);
    const sent = [...otherHost.requests, ...otherPort.requests].map(({ headers }) => headers.authorization);
    expect(sent).toEqual([undefined, undefined, undefined]);
    expect(server.requests.map(({ path, headers }) => [path, headers.authorization])).toEqual([
      ['/host', bearer],
      ['/port', bearer],
      ['/back', bearer],
      ['/open', undefined],
      ['/same', bearer],
      ['/x', bearer],
    ]);
  });

  test('what is asked again, and is in no key: another token for the same content is a hit', async () => {
    const context = workshop.context({ Dockerfile: `FROM base\nADD ${server.url}/a /x/\n` });
    server.files.set('/a', { content: 'a', authorization: bearer, headers: { etag: '"1"' } });
    await workshop.build(context, { secrets: both });
    server.files.set('/a', { content: 'a', authorization: 'Bearer another', headers: { etag: '"1"' } });
    const another = { 'HTTP_AUTH_TOKEN_127.0.0.1': { value: 'another' } };
    expect(Object.values((await workshop.build(context, { secrets: another })).outcomes)).toEqual(['base', 'cached']);
    await expect(workshop.build(context)).rejects.toMatchObject({ code: 'TBUILD_DOWNLOAD' });
  });

  test('one line: a secret of several is an error that does not tell it', async () => {
    const failing = added(`${server.url}/a`, {
      'HTTP_AUTH_HEADER_127.0.0.1': { value: 'Basic hush\r\nX-Other: hush' },
    });
    await expect(failing).rejects.toMatchObject({ code: 'TBUILD_SECRET', span: { line: 2 } });
    expect(await failing.catch((error: Error) => error.message)).not.toContain('hush');
    expect(server.requests).toEqual([]);
  });
});

test('an error names the line, and neither credentials nor query', async () => {
  const context = workshop.context({
    Dockerfile: `FROM base\nADD ${server.url.replace('//', '//user:hush@')}/none?token=hush /x\n`,
  });
  const failing = workshop.build(context);
  await expect(failing).rejects.toMatchObject({ code: 'TBUILD_DOWNLOAD', span: { line: 2 } });
  expect(await failing.catch((error: Error) => error.message)).toBe(
    `${server.url}/none: the server answers with status 404`,
  );
});
