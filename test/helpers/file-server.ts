import { createServer } from 'node:http';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a path answers. A function answers by itself. */
export interface ServedFile {
  readonly content: string | Buffer;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** The value of the Authorization header without which the answer is 401. */
  readonly authorization?: string;
  /** Breaks the connection behind so many bytes, so often. */
  readonly breaks?: { readonly after: number; times: number };
}

/** Serves files by HTTP as a web server would: ETag and Last-Modified of `headers` are compared, ranges are given. */
export interface FileServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly host: string;
  readonly files: Map<string, ServedFile>;
  readonly requests: { readonly path: string; readonly headers: IncomingHttpHeaders; status: number }[];
}

export async function startFileServer(hostname = '127.0.0.1'): Promise<FileServer> {
  const files = new Map<string, ServedFile>();
  const requests: FileServer['requests'] = [];
  const server = createServer(({ url: path = '', headers }, response) => {
    const request = { path, headers, status: 0 };
    requests.push(request);
    const file = files.get(path);
    response.on('close', () => (request.status = response.statusCode));
    if (file === undefined) response.writeHead(404).end('not here');
    else if (file.authorization !== undefined && headers.authorization !== file.authorization) {
      response.writeHead(401, { 'www-authenticate': 'Basic' }).end();
    } else if (isKnown(file, headers)) response.writeHead(304, file.headers).end();
    else send(file, headers, response);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, hostname, resolve);
  });
  const host = `${hostname}:${(server.address() as AddressInfo).port}`;
  return {
    url: `http://${host}`,
    host,
    files,
    requests,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

function isKnown(file: ServedFile, headers: IncomingHttpHeaders): boolean {
  const etag = file.headers?.['etag'];
  if (headers['if-none-match'] !== undefined) return headers['if-none-match'] === etag;
  const modified = file.headers?.['last-modified'];
  return modified !== undefined && headers['if-modified-since'] === modified;
}

function send(file: ServedFile, headers: IncomingHttpHeaders, response: ServerResponse): void {
  const bytes = Buffer.from(file.content);
  const start = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);
  const isPart = start > 0 && headers['if-range'] === file.headers?.['etag'];
  const body = isPart ? bytes.subarray(start) : bytes;
  const range = isPart ? { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` } : {};
  response.writeHead(file.status ?? (isPart ? 206 : 200), {
    'content-length': String(body.length),
    ...range,
    ...file.headers,
  });
  const { breaks } = file;
  if (breaks !== undefined && breaks.times > 0) {
    breaks.times--;
    response.write(body.subarray(0, breaks.after), () => setTimeout(() => response.destroy(), 20));
  } else response.end(body);
}
