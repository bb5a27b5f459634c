import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createDownloader } from '../../../src/http/download.ts';
import type { Download, Downloader, DownloadRequest } from '../../../src/http/download.ts';
import { startFileServer } from '../../helpers/file-server.ts';
import type { FileServer } from '../../helpers/file-server.ts';

let server: FileServer;
let other: FileServer;
let downloader: Downloader;
beforeEach(async () => {
  [server, other] = await Promise.all([startFileServer(), startFileServer('127.0.0.2')]);
  downloader = createDownloader({ retryDelayMs: 5, stallMs: 1000 });
});
afterEach(async () => {
  downloader[Symbol.dispose]();
  await server[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
});

const open = (path: string, more: Partial<DownloadRequest> = {}): Promise<Download> =>
  downloader.open({ url: new URL(path, server.url), signal: undefined, ...more });

async function textOf(download: Download): Promise<string> {
  if (download.kind === 'unchanged') return 'unchanged';
  const parts: Buffer[] = [];
  for await (const part of download.bytes) parts.push(part);
  return Buffer.concat(parts).toString();
}

const long = 'all work and no play '.repeat(5000);

test('a file comes with what the server says of it', async () => {
  const headers = { etag: '"v1"', 'last-modified': 'Tue, 02 Jan 2018 03:04:05 GMT' };
  server.files.set('/a', { content: 'hello', headers });
  const download = await open('/a');
  expect(download).toMatchObject({
    kind: 'content',
    size: 5,
    etag: '"v1"',
    lastModified: headers['last-modified'],
    encoding: 'identity',
  });
  expect(await textOf(download)).toBe('hello');
  expect(server.requests[0]?.headers).toMatchObject({ 'accept-encoding': 'identity' });
});

test('what is unchanged by its ETag, or by its date, is not sent again', async () => {
  const lastModified = 'Tue, 02 Jan 2018 03:04:05 GMT';
  server.files.set('/tagged', { content: long, headers: { etag: '"v1"' } });
  server.files.set('/dated', { content: long, headers: { 'last-modified': lastModified } });
  server.files.set('/changed', { content: 'new', headers: { etag: '"v2"' } });
  expect(await open('/tagged', { known: { etag: '"v1"', lastModified: undefined } })).toEqual({ kind: 'unchanged' });
  expect(await open('/dated', { known: { etag: undefined, lastModified } })).toEqual({ kind: 'unchanged' });
  expect(await textOf(await open('/changed', { known: { etag: '"v1"', lastModified: undefined } }))).toBe('new');
});

test.each([404, 403, 500])('status %d is an error with the address, without credentials and query', async (status) => {
  server.files.set('/private?token=hush', { content: '', status });
  await expect(open('/private?token=hush', { authorization: 'Bearer hush' })).rejects.toMatchObject({
    code: 'TBUILD_DOWNLOAD',
    message: `${server.url}/private: the server answers with status ${status}`,
  });
});

test('a 304 that nobody asked for is no content', async () => {
  server.files.set('/odd', { content: '', status: 304 });
  await expect(open('/odd')).rejects.toMatchObject({ code: 'TBUILD_DOWNLOAD' });
});

test('trouble that may pass is tried again', async () => {
  let status = 503;
  server.files.set('/busy', {
    content: 'ok',
    get status() {
      const now = status;
      status = 200;
      return now;
    },
  });
  expect(await textOf(await open('/busy'))).toBe('ok');
  expect(server.requests).toHaveLength(2);
});

describe('a connection that breaks', () => {
  test('is taken up where it broke, when the server can tell that the content is the same', async () => {
    server.files.set('/big', { content: long, headers: { etag: '"v1"' }, breaks: { after: 30_000, times: 2 } });
    expect(await textOf(await open('/big'))).toBe(long);
    expect(server.requests.map(({ headers }) => headers.range)).toEqual([undefined, 'bytes=30000-', 'bytes=60000-']);
  });

  test.each([
    ['without an ETag', undefined],
    ['with a weak one', 'W/"v1"'],
  ])('is an error %s', async (_, etag) => {
    const headers = etag === undefined ? {} : { etag };
    server.files.set('/big', { content: long, headers, breaks: { after: 30_000, times: 9 } });
    await expect(textOf(await open('/big'))).rejects.toMatchObject({ code: 'TBUILD_DOWNLOAD' });
  });

  test('is an error when the content has changed meanwhile', async () => {
    server.files.set('/big', { content: long, headers: { etag: '"v1"' }, breaks: { after: 30_000, times: 1 } });
    const download = await open('/big');
    server.files.set('/big', { content: long.toUpperCase(), headers: { etag: '"v2"' } });
    await expect(textOf(download)).rejects.toMatchObject({ code: 'TBUILD_DOWNLOAD' });
  });
});

describe('redirects', () => {
  const redirect = (to: string) => ({ content: '', status: 302, headers: { location: to } });

  test('are followed, and take no credentials to another host', async () => {
    server.files.set('/here', redirect(`${other.url}/there`));
    other.files.set('/there', { content: 'moved' });
    expect(await textOf(await open('/here', { authorization: 'Bearer hush' }))).toBe('moved');
    expect(server.requests[0]?.headers.authorization).toBe('Bearer hush');
    expect(other.requests[0]?.headers.authorization).toBeUndefined();
  });

  test('do not bring credentials back once they have left the host', async () => {
    server.files.set('/here', redirect(`${other.url}/there`));
    other.files.set('/there', redirect(`${server.url}/end`));
    server.files.set('/end', { content: 'end' });
    expect(await textOf(await open('/here', { authorization: 'Bearer hush' }))).toBe('end');
    expect(server.requests[1]?.headers.authorization).toBeUndefined();
  });

  test('to a URL with credentials of its own leave those out', async () => {
    server.files.set('/here', redirect(other.url.replace('//', '//user:password@')));
    other.files.set('/', { content: 'root' });
    expect(await textOf(await open('/here'))).toBe('root');
    expect(other.requests[0]?.headers.authorization).toBeUndefined();
  });

  test.each(['file:///etc/hostname', 'ftp://127.0.0.1/x', 'data:,x', 'http://[', 'gopher://x'])(
    'to %s are refused',
    async (location) => {
      server.files.set('/here', redirect(location));
      await expect(open('/here')).rejects.toMatchObject({ code: 'TBUILD_DOWNLOAD' });
    },
  );

  test('that go round in a circle end', async () => {
    server.files.set('/here', redirect('/here'));
    await expect(open('/here')).rejects.toMatchObject({ message: `${server.url}/here: more than 10 redirects` });
  });
});

test('a server that falls silent is given up', async () => {
  await using silent = await startFileServer();
  silent.files.set('/x', {
    content: 'x'.repeat(100),
    breaks: { after: 10, times: 0 },
    headers: { 'content-length': '1000' },
  });
  const impatient = createDownloader({ retryDelayMs: 5, stallMs: 100 });
  const download = await impatient.open({ url: new URL('/x', silent.url), signal: undefined });
  await expect(textOf(download)).rejects.toMatchObject({ code: 'TBUILD_DOWNLOAD' });
  impatient[Symbol.dispose]();
});

test('an aborted signal ends it with its reason', async () => {
  server.files.set('/big', { content: long });
  const stop = new AbortController();
  const download = await open('/big', { signal: stop.signal });
  const reason = new Error('enough');
  stop.abort(reason);
  await expect(textOf(download)).rejects.toBe(reason);
});
