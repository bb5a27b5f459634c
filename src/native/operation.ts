import type { Socket } from 'node:net';
import { getSystemErrorName } from 'node:util';
import { TbuildError } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';
import { decodeFields, encodeFields, encodeFrame, readFrames } from './frames.ts';
import type { Frame } from './frames.ts';
import type { Fields } from './helper-types.ts';

/** One operation under way: its own socket to its own worker, so that back-pressure is the kernel's. */
export interface Operation {
  send(type: string, payload: Uint8Array): Promise<void>;
  sendFields(type: string, fields: Fields): Promise<void>;
  /** Bytes that are whole frames already. */
  sendRaw(frames: Buffer): Promise<void>;
  /** Frames up to and including the result. Throws what the helper reports, and `TBUILD_HELPER` when the worker vanishes. */
  frames(): AsyncGenerator<Frame, ReadonlyMap<string, string>, undefined>;
  /** Cancels if still running. Resolves when the worker writes nowhere any more and the socket is closed. */
  close(): Promise<void>;
}

/** A worker that cannot be killed for so long waits in the kernel: for a dead network file system, say. */
const cancelPatienceMs = 10_000;

export interface OperationOptions {
  readonly signal?: AbortSignal | undefined;
  /** What to add when the worker is gone: the helper's last words. */
  readonly lastWords: () => string;
}

export function openOperation(socket: Socket, name: string, options: OperationOptions): Operation {
  // Errors surface where the socket is read; a write to a worker that has already answered must not be one more failure.
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const chunks = socket.iterator({ destroyOnReturn: false });
  let isAnswered = false;
  let isCancelled = false;
  let patience: NodeJS.Timeout | undefined;
  // Half closed, the socket still tells by its end that the worker has stopped. Frames that wait to be sent would hold that up, for ever where a worker reads no more than its command does.
  const cancel = (): void => {
    if (isAnswered || isCancelled) return;
    isCancelled = true;
    if (socket.writableLength > 0) return void socket.destroy();
    patience = setTimeout(() => socket.destroy(), cancelPatienceMs);
    socket.end();
  };
  options.signal?.addEventListener('abort', cancel, { once: true });
  if (options.signal?.aborted === true) cancel();

  const sendRaw = (frames: Buffer): Promise<void> => {
    if (isCancelled || !socket.writable || socket.write(frames)) return Promise.resolve();
    return drained(socket);
  };
  const send = (type: string, payload: Uint8Array): Promise<void> => sendRaw(encodeFrame(type, payload));
  return {
    send,
    sendRaw,
    sendFields: (type, fields) => send(type, encodeFields(fields)),
    async *frames() {
      try {
        for await (const frame of readFrames(chunks)) {
          if (isCancelled) continue;
          isAnswered = frame.type === '!' || frame.type === 'X';
          if (frame.type === '!') throw failure(name, decodeFields(frame.payload));
          if (frame.type === 'X') return decodeFields(frame.payload);
          yield frame;
        }
      } catch (error) {
        options.signal?.throwIfAborted();
        if (error instanceof TbuildError) throw error;
        throw gone(name, options.lastWords(), error);
      }
      options.signal?.throwIfAborted();
      throw gone(name, options.lastWords());
    },
    async close() {
      options.signal?.removeEventListener('abort', cancel);
      cancel();
      if (!isAnswered) await readToEnd(chunks);
      clearTimeout(patience);
      socket.destroy();
      await closed;
    },
  };
}

async function readToEnd(chunks: AsyncIterable<unknown>): Promise<void> {
  try {
    for await (const _ of chunks);
  } catch {
    // The worker, or the socket, is gone all the more.
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done);
      socket.off('close', done);
      resolve();
    };
    socket.on('drain', done);
    socket.on('close', done);
  });
}

function gone(name: string, lastWords: string, cause?: unknown): TbuildError {
  const words = lastWords === '' ? '' : `: ${lastWords}`;
  return new TbuildError('TBUILD_HELPER', `the helper ended during ${name}${words}`, {
    cause,
    details: { operation: name },
    hint: 'was it killed, perhaps for want of memory? The build can simply be run again',
  });
}

function failure(name: string, fields: ReadonlyMap<string, string>): TbuildError {
  const operation = fields.get('op') ?? name;
  const errno = Number(fields.get('errno') ?? '0');
  const path = fields.get('path') ?? '';
  const errnoName = errno > 0 ? getSystemErrorName(-errno) : '';
  const parts = [operation, path, fields.get('message') ?? '', errnoName].filter((part) => part !== '');
  const { code, hint } = classify(name, operation, errnoName);
  return new TbuildError(code, parts.join(': '), { hint, details: { operation, errno: errnoName, path } });
}

function classify(name: string, operation: string, errnoName: string): { code: ErrorCode; hint?: string } {
  if (name === 'hello' || operation.startsWith('start'))
    return { code: 'TBUILD_HELPER', hint: 'see what `tbuild doctor` says' };
  if (name === 'run')
    return { code: 'TBUILD_SANDBOX_SETUP', hint: 'see what `tbuild doctor` says about this kernel and user' };
  if (operation === 'chown' || (operation === 'fchown' && errnoName === 'EINVAL')) {
    return {
      code: 'TBUILD_CHOWN',
      hint: 'give this user a range of ids in /etc/subuid and /etc/subgid, or build as root',
    };
  }
  if (operation === 'name')
    return { code: 'TBUILD_LAYER', hint: 'give it another name, or remove it in the same step' };
  if (operation === 'mknod' && errnoName === 'EPERM')
    return { code: 'TBUILD_DEVICE_NODE', hint: 'build as root, or leave the device node out' };
  if (errnoName === 'ENOSPC' || errnoName === 'EDQUOT')
    return { code: 'TBUILD_IO', hint: 'free some space, for example with `tbuild prune`' };
  return { code: 'TBUILD_IO' };
}
