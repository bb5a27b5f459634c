import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findEngine, loadIntoEngine } from '../../../../src/image/archive/engine.ts';
import { TbuildError } from '../../../../src/errors.ts';

let directory: string;
let servers: Server[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tbuild-engine-'));
  servers = [];
});
afterEach(async () => {
  for (const server of servers) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  rmSync(directory, { recursive: true });
});

/** A server behind a socket. */
async function serve(
  name: string,
  answer: (request: IncomingMessage, response: ServerResponse) => unknown,
): Promise<string> {
  const socket = join(directory, name);
  const server = createServer((request, response) => void answer(request, response));
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return socket;
}

const content = Buffer.alloc(3_000_000, 'archive');
const write = (destination: Writable): Promise<void> => pipeline(Readable.from([content]), destination);
const lines = (...values: readonly object[]): string => values.map((value) => `${JSON.stringify(value)}\r\n`).join('');

describe('an engine', () => {
  test('is sent the archive as docker sends it, and what it says is passed on', async () => {
    let seen:
      | {
          readonly method?: string | undefined;
          readonly url?: string | undefined;
          readonly type?: string | undefined;
          readonly size: number;
        }
      | undefined;
    const socket = await serve('s', async (request, response) => {
      const { method, url, headers } = request;
      seen = { method, url, type: headers['content-type'], size: (await buffer(request)).length };
      response.end(lines({ stream: 'Loaded image: app:1\n' }, { stream: 'Loaded image: app:2\n' }));
    });
    expect(await loadIntoEngine({ socket }, write)).toEqual(['Loaded image: app:1', 'Loaded image: app:2']);
    expect(seen).toEqual({
      method: 'POST',
      url: '/images/load?quiet=1',
      type: 'application/x-tar',
      size: content.length,
    });
  });

  test.each<[string, (request: IncomingMessage, response: ServerResponse) => unknown, string]>([
    [
      'with an error behind status 200',
      async (request, response) => {
        await buffer(request);
        response.end(lines({ errorDetail: { message: 'no space left' }, error: 'no space left' }));
      },
      'no space left',
    ],
    [
      'with a status',
      async (request, response) => {
        await buffer(request);
        response.writeHead(500).end(lines({ message: 'something broke' }));
      },
      'something broke',
    ],
    [
      'before it has read the archive',
      (request, response) => {
        response.writeHead(403, { connection: 'close' }).end(lines({ message: 'not allowed' }));
        request.socket.end();
      },
      'not allowed',
    ],
    ['by closing the connection', (request) => request.socket.destroy(), 'did not load the image'],
    ['with nothing to read', (_, response) => response.writeHead(404).end('<html>'), 'status 404'],
    [
      'with escape sequences, which do not reach the terminal',
      async (request, response) => {
        await buffer(request);
        response.end(lines({ error: '\u001b]0;title\u0007bad' }));
      },
      '\uFFFD]0;title\uFFFDbad',
    ],
  ])('that refuses %s is quoted', async (_, answer, said) => {
    const socket = await serve('s', answer);
    await expect(loadIntoEngine({ socket }, write)).rejects.toMatchObject({
      code: 'TBUILD_OUTPUT',
      message: expect.stringContaining(said) as string,
    });
  });

  test('that is not there is said', async () => {
    const loading = loadIntoEngine({ socket: join(directory, 'none') }, write);
    await expect(loading).rejects.toMatchObject({ code: 'TBUILD_OUTPUT' });
  });

  test('does not hide why the archive could not be written', async () => {
    const socket = await serve('s', async (request, response) => {
      await buffer(request).catch(() => undefined);
      response.end();
    });
    const failing = (destination: Writable): Promise<void> =>
      pipeline(async function* () {
        yield content;
        throw new TbuildError('TBUILD_STORE_CORRUPT', 'broken');
      }, destination);
    await expect(loadIntoEngine({ socket }, failing)).rejects.toMatchObject({ code: 'TBUILD_STORE_CORRUPT' });
  });

  test('that does not answer does not hold up an abort', async () => {
    const socket = await serve('s', (request) => request.resume());
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error('enough')), 100);
    await expect(loadIntoEngine({ socket }, write, controller.signal)).rejects.toThrow('enough');
  });
});

describe('which engine', () => {
  test('is that of DOCKER_HOST, else the first that answers', async () => {
    const socket = await serve('docker.sock', () => undefined);
    expect(await findEngine({ DOCKER_HOST: `unix://${socket}` })).toEqual({ socket });
    expect(await findEngine({ XDG_RUNTIME_DIR: directory })).toMatchObject({
      socket: expect.stringContaining('.sock') as string,
    });
  });

  test.each([
    ['there is none', 'none', 'ENOENT'],
    ['a file is in its place', 'file', 'ECONNREFUSED'],
  ])('is an error with the places when %s', async (_, name, errno) => {
    writeFileSync(join(directory, 'file'), '');
    const host = join(directory, name);
    await expect(findEngine({ DOCKER_HOST: `unix://${host}` })).rejects.toMatchObject({
      code: 'TBUILD_OUTPUT',
      message: expect.stringContaining(`${host} (${errno})`) as string,
      hint: expect.stringContaining('DOCKER_HOST=unix://PATH') as string,
    });
  });

  test.each(['tcp://127.0.0.1:2375', 'ssh://user@host', 'npipe:////./pipe/docker_engine'])(
    '%s is not supported',
    async (host) => {
      await expect(findEngine({ DOCKER_HOST: host })).rejects.toMatchObject({ code: 'TBUILD_UNSUPPORTED' });
    },
  );
});
