import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { rootCertificates } from 'node:tls';
import { stalledCode } from './failure.ts';

export interface HttpResponse {
  readonly url: URL;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Must be read to its end or destroyed. */
  readonly body: IncomingMessage;
}

export interface RequestOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal | undefined;
}

/**
 * One GET over a pool of kept-alive connections; no redirect, no retry, no decompression. Rejects with Node's error, or with the reason of an aborted signal.
 * Node's http rather than fetch: fetch decodes Content-Encoding (a blob must arrive as the bytes that its digest names) and has no time limit for stalled bodies without a private agent.
 */
export interface Transport {
  get(url: URL, options: RequestOptions): Promise<HttpResponse>;
  close(): void;
}

export interface TransportOptions {
  /** Milliseconds without a byte, before and after the answer began, until the connection counts as dead. */
  readonly stallMs: number;
  /** Certificate authorities (PEM) beside Node's own. */
  readonly ca: readonly string[] | undefined;
}

export function createTransport({ stallMs, ca }: TransportOptions): Transport {
  const http = new HttpAgent({ keepAlive: true });
  const https = new HttpsAgent({ keepAlive: true, ...(ca === undefined ? {} : { ca: [...rootCertificates, ...ca] }) });
  return {
    get(url, { headers, signal }) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted === true) {
          reject(signal.reason);
          return;
        }
        const isHttps = url.protocol === 'https:';
        const send = isHttps ? httpsRequest : httpRequest;
        const request = send(url, {
          method: 'GET',
          agent: isHttps ? https : http,
          headers: { 'user-agent': 'tbuild', 'accept-encoding': 'identity', ...headers },
          timeout: stallMs,
          ...(signal === undefined ? {} : { signal }),
        });
        request.on('error', (error) => reject(signal?.aborted === true ? signal.reason : error));
        let answer: IncomingMessage | undefined;
        request.on('timeout', () => {
          // The reader is slow, not the server: watch on.
          if (answer !== undefined && answer.readableLength > 0) request.setTimeout(stallMs);
          else (answer ?? request).destroy(stalled());
        });
        request.on('response', (body) => {
          answer = body;
          // A later failure reaches whoever reads the body; nobody may be reading it yet.
          body.on('error', () => {});
          resolve({ url, status: body.statusCode ?? 0, headers: body.headers, body });
        });
        request.end();
      });
    },
    close() {
      http.destroy();
      https.destroy();
    },
  };
}

/** The whole body, or undefined when it is over `max` bytes. */
export async function readBody({ body }: HttpResponse, max: number): Promise<Buffer | undefined> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of body as AsyncIterable<Buffer>) {
    size += part.length;
    // Leaving the loop destroys the body.
    if (size > max) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts, size);
}

function stalled(): Error {
  return Object.assign(new Error('nothing came for too long'), { code: stalledCode });
}
