import { createServer as createHttpServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { mediaTypes } from '../../src/oci/descriptor.ts';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { digestOf } from '../../src/oci/digest.ts';
import type { Digest } from '../../src/oci/digest.ts';
import type { Platform } from '../../src/oci/platform.ts';

export interface TestRegistryOptions {
  /** `bearer`: a token service beside it, whose tokens are asked for with every request; `basic`: nobody gets in. @default none */
  readonly auth?: 'bearer' | 'basic';
  /** Blobs are redirected to a second server on another port. It answers 400 to whoever shows it credentials, as object stores do. @default false */
  readonly redirectBlobs?: boolean;
  /** What is made of a Range header: `ignore` sends the whole blob, `refuse` answers 416. @default honoured */
  readonly ranges?: 'ignore' | 'refuse';
  /** Serve https with this key and certificate. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

/** One image's parts. */
export interface TestImage {
  /** Uncompressed layer tars, bottom first. */
  readonly layers: readonly Buffer[];
  /** @default true */
  readonly gzip?: boolean;
  /** Instead of `gzip`: how each layer is compressed, and the media type that says so. */
  readonly packed?: { readonly mediaType: string; readonly pack: (tar: Buffer) => Buffer };
  /** @default linux/amd64 */
  readonly platform?: Platform;
  /** The image config's `config` member. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Members over the whole image config. */
  readonly imageConfig?: Readonly<Record<string, unknown>>;
  /** Members over the manifest. */
  readonly manifest?: Readonly<Record<string, unknown>>;
}

/** Something that goes wrong with the next `times` requests whose path matches. */
export interface Fault {
  readonly path: RegExp;
  /** @default Infinity */
  readonly times?: number;
  readonly action:
    | {
        readonly kind: 'status';
        readonly status: number;
        readonly headers?: Readonly<Record<string, string>>;
        readonly body?: string;
      }
    /** The connection breaks after that many bytes of body. */
    | { readonly kind: 'cut'; readonly after: number }
    /** The answer ends in an orderly way after that many bytes, without a length. */
    | { readonly kind: 'short'; readonly after: number }
    /** The first byte of the body is another one. */
    | { readonly kind: 'corrupt' }
    /** Bytes after the end of the body, without a length. */
    | { readonly kind: 'extra'; readonly bytes: number }
    /** Nothing comes any more after that many bytes of body. */
    | { readonly kind: 'stall'; readonly after: number }
    | { readonly kind: 'redirect'; readonly location: string; readonly status?: number }
    /** The body comes in pieces of so many bytes with so many milliseconds between. */
    | { readonly kind: 'slow'; readonly bytes: number; readonly delayMs: number }
    | { readonly kind: 'headers'; readonly headers: Readonly<Record<string, string>> };
}

export interface RecordedRequest {
  readonly server: 'registry' | 'storage' | 'token';
  readonly path: string;
  readonly authorization: string | undefined;
  readonly range: string | undefined;
}

/** An OCI registry in this process, on a free port of localhost. Pull only. */
export interface TestRegistry extends AsyncDisposable {
  /** `localhost:PORT`, as in a reference. */
  readonly host: string;
  readonly requests: readonly RecordedRequest[];
  putBlob(bytes: Buffer, digest?: Digest): Digest;
  /** Under its digest, and the tag if one is given. */
  putManifest(name: string, bytes: Buffer, mediaType: string): Descriptor;
  /** @param name `repository:tag` */
  putImage(name: string, image: TestImage): Descriptor;
  putIndex(name: string, manifests: readonly Descriptor[], members?: Readonly<Record<string, unknown>>): Descriptor;
  addFault(fault: Fault): void;
}

export async function startRegistry(options: TestRegistryOptions = {}): Promise<TestRegistry> {
  const blobs = new Map<string, Buffer>();
  const manifests = new Map<string, { readonly bytes: Buffer; readonly mediaType: string }>();
  const requests: RecordedRequest[] = [];
  const faults: { fault: Fault; left: number }[] = [];
  const tokens = new Set<string>();
  const scheme = options.tls === undefined ? 'http' : 'https';
  const servers: Server[] = [];

  const listen = async (answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> => {
    const server = options.tls === undefined ? createHttpServer(answer) : createHttpsServer({ ...options.tls }, answer);
    servers.push(server as Server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `localhost:${(server.address() as AddressInfo).port}`;
  };
  const record = (server: RecordedRequest['server'], request: IncomingMessage): string => {
    const { authorization, range } = request.headers;
    requests.push({ server, path: request.url ?? '', authorization, range });
    return request.url ?? '';
  };
  const fault = (path: string): Fault['action'] | undefined => {
    const found = faults.find(({ fault: { path: pattern }, left }) => left > 0 && pattern.test(path));
    if (found !== undefined) found.left--;
    return found?.fault.action;
  };
  const sendBlob = (
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    action: Fault['action'] | undefined,
  ): void => {
    const bytes = blobs.get(path.split('/').at(-1) ?? '');
    if (bytes === undefined)
      return sendError(response, 404, { code: 'BLOB_UNKNOWN', message: 'blob unknown to registry' });
    const asked = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    if (asked > 0 && options.ranges === 'refuse' && action === undefined)
      return sendError(response, 416, { code: 'RANGE_INVALID', message: 'invalid range' });
    const from = options.ranges === 'ignore' ? 0 : asked;
    const range: Record<string, string> =
      from > 0 ? { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {};
    void send(response, { status: from > 0 ? 206 : 200, headers: range, body: bytes.subarray(from) }, action);
  };

  const storageHost = await listen((request, response) => {
    const path = record('storage', request);
    if (request.headers.authorization !== undefined) {
      return sendError(response, 400, { code: 'InvalidArgument', message: 'only one auth mechanism allowed' });
    }
    return sendBlob(request, response, path, fault(`storage:${path}`));
  });
  const tokenHost = await listen((request, response) => {
    const path = record('token', request);
    const token = `token-${tokens.size}`;
    tokens.add(token);
    const body = Buffer.from(JSON.stringify({ token, expires_in: 300 }));
    void send(response, { status: 200, headers: { 'content-type': 'application/json' }, body }, fault(`token:${path}`));
  });
  const host = await listen((request, response) => {
    const path = record('registry', request);
    const action = fault(path);
    const [, repository = '', kind, name = ''] = /^\/v2\/(.+)\/(manifests|blobs)\/([^/]+)$/.exec(path) ?? [];
    const authorization = request.headers.authorization?.replace(/^Bearer /, '');
    if (options.auth !== undefined && (authorization === undefined || !tokens.has(authorization))) {
      const realm = `realm="${scheme}://${tokenHost}/token",service="test",scope="repository:${repository}:pull"`;
      const challenge = options.auth === 'bearer' ? `Bearer ${realm}` : 'Basic realm="test"';
      const headers = { 'www-authenticate': challenge };
      return sendError(response, 401, { code: 'UNAUTHORIZED', message: 'authentication required' }, headers);
    }
    if (kind === 'blobs' && options.redirectBlobs === true) {
      response.writeHead(307, { location: `${scheme}://${storageHost}/data/${name}` }).end();
      return undefined;
    }
    if (kind === 'blobs') return sendBlob(request, response, path, action);
    const manifest = manifests.get(`${repository}:${name}`);
    if (manifest === undefined) {
      if (action !== undefined) void send(response, { status: 404, headers: {}, body: Buffer.alloc(0) }, action);
      else sendError(response, 404, { code: 'MANIFEST_UNKNOWN', message: 'manifest unknown' });
      return undefined;
    }
    const headers = { 'content-type': manifest.mediaType, 'docker-content-digest': digestOf(manifest.bytes) };
    void send(response, { status: 200, headers, body: manifest.bytes }, action);
    return undefined;
  });

  const putBlob = (bytes: Buffer, digest: Digest = digestOf(bytes)): Digest => {
    blobs.set(digest, bytes);
    return digest;
  };
  const putManifest = (name: string, bytes: Buffer, mediaType: string): Descriptor => {
    const { repository, tag } = splitName(name);
    const digest = digestOf(bytes);
    for (const key of [digest, tag]) if (key !== undefined) manifests.set(`${repository}:${key}`, { bytes, mediaType });
    return { mediaType, digest, size: bytes.length };
  };
  return {
    host,
    requests,
    putBlob,
    putManifest,
    putImage(name, image) {
      const { layers, gzip = true, platform = { os: 'linux', architecture: 'amd64' } } = image;
      const { mediaType, pack } = image.packed ?? {
        mediaType: gzip ? mediaTypes.ociLayerGzip : mediaTypes.ociLayer,
        pack: (tar: Buffer) => (gzip ? gzipSync(tar) : tar),
      };
      const descriptors = layers.map((tar) => {
        const bytes = pack(tar);
        return { mediaType, digest: putBlob(bytes), size: bytes.length };
      });
      const rootfs = { type: 'layers', diff_ids: layers.map((tar) => digestOf(tar)) };
      const config = json({ ...platform, config: image.config ?? {}, rootfs, ...image.imageConfig });
      const configDescriptor = { mediaType: mediaTypes.ociConfig, digest: putBlob(config), size: config.length };
      const manifest = {
        schemaVersion: 2,
        mediaType: mediaTypes.ociManifest,
        config: configDescriptor,
        layers: descriptors,
      };
      return { ...putManifest(name, json({ ...manifest, ...image.manifest }), mediaTypes.ociManifest), platform };
    },
    putIndex(name, entries, members) {
      const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: entries, ...members };
      return putManifest(name, json(index), mediaTypes.ociIndex);
    },
    addFault: (added) => void faults.push({ fault: added, left: added.times ?? Infinity }),
    async [Symbol.asyncDispose]() {
      await Promise.all(
        servers.map((server) => {
          const closed = new Promise((resolve) => server.close(resolve));
          server.closeAllConnections();
          return closed;
        }),
      );
    },
  };
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

async function send(
  response: ServerResponse,
  { status, headers, body }: Answer,
  action: Fault['action'] | undefined,
): Promise<void> {
  const sized = { ...headers, 'content-length': String(body.length) };
  switch (action?.kind) {
    case undefined:
      response.writeHead(status, sized).end(body);
      return;
    case 'headers':
      response.writeHead(status, { ...sized, ...action.headers }).end(body);
      return;
    case 'status':
      response.writeHead(action.status, action.headers).end(action.body);
      return;
    case 'redirect':
      response.writeHead(action.status ?? 307, { location: action.location }).end();
      return;
    case 'cut':
      response.writeHead(status, sized);
      response.write(body.subarray(0, action.after), () => response.destroy());
      return;
    case 'short':
      response.writeHead(status, headers).end(body.subarray(0, action.after));
      return;
    case 'corrupt':
      response.writeHead(status, sized).end(Buffer.concat([Buffer.from([~(body[0] ?? 0) & 0xff]), body.subarray(1)]));
      return;
    case 'extra':
      response.writeHead(status, headers).end(Buffer.concat([body, Buffer.alloc(action.bytes)]));
      return;
    case 'stall':
      response.writeHead(status, sized).write(body.subarray(0, action.after));
      return;
    case 'slow':
      response.writeHead(status, sized);
      for (let start = 0; start < body.length && !response.destroyed; start += action.bytes) {
        response.write(body.subarray(start, start + action.bytes));
        await sleep(action.delayMs);
      }
      response.end();
  }
}

function sendError(
  response: ServerResponse,
  status: number,
  error: { readonly code: string; readonly message: string },
  headers: Record<string, string> = {},
): void {
  const body = json({ errors: [error] });
  response.writeHead(status, { ...headers, 'content-type': 'application/json' }).end(body);
}

function splitName(name: string): { repository: string; tag: string | undefined } {
  const [repository = '', tag] = name.split(':');
  return { repository, tag };
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
