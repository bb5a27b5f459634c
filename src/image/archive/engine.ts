import { request } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { TbuildError } from '../../errors.ts';
import { errnoOf } from '../../util/io-error.ts';

/** Docker, or Podman with its Docker-compatible API, behind a socket of this machine. */
export interface Engine {
  /** Path of the socket. */
  readonly socket: string;
}

/**
 * The engine that `docker` would talk to: that of DOCKER_HOST, else the first that answers at docker's socket, that of a rootless docker, or podman's. Throws TBUILD_OUTPUT when there is none,
 * TBUILD_UNSUPPORTED for one that is reached over the network.
 */
export async function findEngine(env: NodeJS.ProcessEnv = process.env): Promise<Engine> {
  const host = env['DOCKER_HOST'];
  const sockets = host === undefined || host === '' ? usualSockets(env) : [socketOf(host)];
  const failures: string[] = [];
  for (const socket of sockets) {
    const failure = await reach(socket);
    if (failure === undefined) return { socket };
    failures.push(`${socket} (${failure})`);
  }
  throw new TbuildError('TBUILD_OUTPUT', `neither Docker nor Podman answers at ${failures.join(', ')}`, {
    hint: 'start one of them, set DOCKER_HOST=unix://PATH, or write an archive with --output type=docker,dest=FILE',
    details: { looked: sockets },
  });
}

function usualSockets({ XDG_RUNTIME_DIR: runtime = '' }: NodeJS.ProcessEnv): readonly string[] {
  const own = runtime === '' ? [] : [join(runtime, 'docker.sock'), join(runtime, 'podman/podman.sock')];
  return ['/var/run/docker.sock', ...own, '/run/podman/podman.sock'];
}

function socketOf(host: string): string {
  if (host.startsWith('unix://')) return host.slice('unix://'.length);
  throw new TbuildError('TBUILD_UNSUPPORTED', `DOCKER_HOST=${host}: only unix:// sockets are supported`, {
    hint: 'pass the archive on: tbuild save IMAGE | docker load',
  });
}

/** Why nobody answers; undefined: somebody does. */
function reach(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.once('error', (error) => resolve(errnoOf(error) ?? error.message));
  });
}

/**
 * Has an engine load an archive while it is written, as `docker load` does. `write` gets the stream and ends it. Gives the engine's own words, e.g. `Loaded image: app:latest`.
 * Throws TBUILD_OUTPUT with what the engine says, or what `write` throws.
 */
export async function loadIntoEngine(
  { socket }: Engine,
  write: (destination: Writable) => Promise<void>,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const sending = request({
    socketPath: socket,
    method: 'POST',
    path: '/images/load?quiet=1',
    headers: { 'content-type': 'application/x-tar', host: 'localhost' },
    ...(signal === undefined ? {} : { signal }),
  });
  const [writing, answering] = await Promise.allSettled([write(sending), answerTo(sending)]);
  signal?.throwIfAborted();
  // An engine that refuses closes the connection: what it said counts, not that nobody reads any more.
  if (writing.status === 'rejected' && !isConnectionError(writing.reason)) throw writing.reason;
  if (answering.status === 'rejected') throw failed(socket, messageOf(answering.reason), answering.reason);
  const { status, messages } = answering.value;
  const refusal =
    messages.find(({ error }) => error !== undefined)?.error ??
    messages.find(({ message }) => message !== undefined)?.message;
  if (status !== 200 || refusal !== undefined) throw failed(socket, refusal ?? `it answered with status ${status}`);
  if (writing.status === 'rejected') throw failed(socket, messageOf(writing.reason), writing.reason);
  return messages.flatMap(({ stream }) => stream?.trim() ?? []);
}

interface Answer {
  readonly status: number;
  readonly messages: readonly Message[];
}

async function answerTo(sending: ClientRequest): Promise<Answer> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    sending.on('response', resolve);
    sending.on('error', reject);
    sending.on('close', () => reject(new Error('it closed the connection without an answer')));
  });
  const text = await readText(response);
  return { status: response.statusCode ?? 0, messages: text.split('\n').flatMap(parseMessage) };
}

/** Far more than an engine says. */
const longestAnswer = 1024 * 1024;

async function readText(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > longestAnswer) throw new Error('its answer does not end');
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

interface Message {
  readonly stream?: string;
  readonly error?: string;
  readonly message?: string;
}

/** https://docs.docker.com/reference/api/engine/, "Import images": one JSON object a line; a refusal is one object with `message`. */
function parseMessage(line: string): Message[] {
  try {
    const value = JSON.parse(line) as Record<string, unknown> | null;
    const text = (key: string): object => (typeof value?.[key] === 'string' ? { [key]: plain(value[key]) } : {});
    return [{ ...text('stream'), ...text('error'), ...text('message') }];
  } catch {
    return [];
  }
}

/** Control characters would reach the terminal. */
function plain(text: string): string {
  return text.replace(/[^\P{Cc}\n]/gu, '\uFFFD').slice(0, 1000);
}

/** Of the socket, not of what was to be written. */
function isConnectionError(error: unknown): boolean {
  if (error instanceof TbuildError) return false;
  return typeof (error as { readonly code?: unknown } | undefined)?.code === 'string';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function failed(socket: string, why: string, cause?: unknown): TbuildError {
  return new TbuildError('TBUILD_OUTPUT', `the engine behind ${socket} did not load the image: ${why.trim()}`, {
    cause,
  });
}
