import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { loadAddon } from '../../src/native/load.ts';
import { packageRoot } from '../../src/native/package-root.ts';

/** A field of a frame; values are bytes where they are not text. */
export type RawField = readonly [key: string, value: string | Buffer];

export interface RawFrame {
  readonly type: string;
  readonly payload: Buffer;
}

/** Speaks the helper's protocol (addon/README.md) byte by byte, so that what the real client would never send can be sent. */
export interface RawHelper extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly control: number;
  open(): RawOperation;
  /** Sends one request, then the frames, and reads to the end. */
  call(fields: readonly RawField[], frames?: readonly RawFrame[]): Promise<RawAnswer>;
  /** Closes the control socket and waits for the end. */
  stop(): Promise<number | null>;
}

export interface RawOperation {
  readonly socket: Socket;
  send(type: string, payload?: Buffer): void;
  answer(): Promise<RawAnswer>;
}

export interface RawAnswer {
  readonly frames: readonly RawFrame[];
  /** Type of the last frame: `X`, `!`, or undefined when the worker just ended. */
  readonly last: string | undefined;
  /** Fields of the last frame. */
  readonly fields: ReadonlyMap<string, string>;
  /** Payloads of one type, joined. */
  bytes(type: string): Buffer;
}

export const helperProgram: string = join(packageRoot(), 'addon', 'build', 'Release', 'tbuild-helper');

/** Root as itself; an ordinary user in a namespace of one id. */
export const ownArguments: readonly string[] =
  process.geteuid?.() === 0
    ? ['--userns=none']
    : ['--userns=new', '--single', `--uid-map=0 ${process.geteuid?.()} 1`, `--gid-map=0 ${process.getegid?.()} 1`];

/** The helper's arguments for an ordinary user who has id ranges: 0 is the user, 1 and up the first range. */
export function mappedArguments(): readonly string[] {
  const { username, uid, gid } = userInfo();
  const map = (file: string, own: number): string => {
    const ranges = readFileSync(file, 'utf8')
      .split('\n')
      .map((line) => line.split(':'));
    const [, from, count] = ranges.find(([owner]) => owner === username || owner === String(uid)) ?? [];
    return `0 ${own} 1,1 ${from} ${count}`;
  };
  return ['--userns=new', `--uid-map=${map('/etc/subuid', uid)}`, `--gid-map=${map('/etc/subgid', gid)}`];
}

export function startRawHelper(argv: readonly string[] = ownArguments): RawHelper {
  const addon = loadAddon();
  const [ours, theirs] = addon.controlSocket();
  const child = spawn(helperProgram, argv, { env: {}, stdio: ['ignore', 'ignore', 'inherit', theirs] });
  addon.closeDescriptor(theirs);
  const exited = once(child, 'close');
  let isOpen = true;
  const helper: RawHelper = {
    child,
    control: ours,
    open: () => openRaw(addon.startOperation(ours)),
    async call(fields, frames = []) {
      const operation = helper.open();
      operation.send('R', encode(fields));
      for (const frame of frames) operation.send(frame.type, frame.payload);
      return await operation.answer();
    },
    async stop() {
      if (isOpen) addon.closeDescriptor(ours);
      isOpen = false;
      await exited;
      return child.exitCode;
    },
    async [Symbol.asyncDispose]() {
      await helper.stop();
    },
  };
  return helper;
}

export function encode(fields: readonly RawField[]): Buffer {
  return Buffer.concat(
    fields.flatMap(([key, value]) => [Buffer.from(`${key}=`), Buffer.from(value as string), Buffer.of(0)]),
  );
}

export function entry(...fields: readonly RawField[]): RawFrame {
  return { type: 'E', payload: encode(fields) };
}

export function data(bytes: string | Buffer): RawFrame {
  return { type: 'D', payload: Buffer.from(bytes as string) };
}

export const endOfInput: RawFrame = { type: 'Z', payload: Buffer.alloc(0) };

function openRaw(fd: number): RawOperation {
  const socket = new Socket({ fd, readable: true, writable: true });
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => undefined);
  const ended = new Promise((resolve) => socket.once('close', resolve));
  return {
    socket,
    send: (type, payload = Buffer.alloc(0)) =>
      void socket.write(Buffer.concat([header(type, payload.length), payload])),
    async answer() {
      await ended;
      return parseAnswer(Buffer.concat(chunks));
    },
  };
}

export function header(type: string, length: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(length, 0);
  bytes.write(type, 4, 'latin1');
  return bytes;
}

function parseAnswer(bytes: Buffer): RawAnswer {
  const frames: RawFrame[] = [];
  for (let offset = 0; offset + 8 <= bytes.length;) {
    const end = offset + 8 + bytes.readUInt32LE(offset);
    frames.push({ type: bytes.toString('latin1', offset + 4, offset + 5), payload: bytes.subarray(offset + 8, end) });
    offset = end;
  }
  const last = frames.at(-1);
  const isFinal = last?.type === 'X' || last?.type === '!';
  return {
    frames,
    last: isFinal ? last.type : undefined,
    fields: isFinal ? fieldsOf(last.payload) : new Map(),
    bytes: (type) => Buffer.concat(frames.filter((frame) => frame.type === type).map((frame) => frame.payload)),
  };
}

export function fieldsOf(payload: Buffer): Map<string, string> {
  const items = payload.toString('utf8').split('\0').slice(0, -1);
  return new Map(items.map((item) => [item.slice(0, item.indexOf('=')), item.slice(item.indexOf('=') + 1)]));
}
