import { decodePathBytes, encodePathBytes, mayNameBytes } from '../util/path-bytes.ts';
import type { Fields } from './helper-types.ts';

/** One frame of an operation's socket (addon/README.md, "Frames"). */
export interface Frame {
  readonly type: string;
  readonly payload: Buffer;
}

export const maxPayload: number = 1 << 20;
const headerSize = 8;

export function encodeFrame(type: string, payload: Uint8Array): Buffer {
  const frame = Buffer.alloc(headerSize + payload.length);
  frame.writeUInt32LE(payload.length, 0);
  frame[4] = type.charCodeAt(0);
  frame.set(payload, headerSize);
  return frame;
}

export function encodeFields(fields: Fields): Buffer {
  return encodePathBytes(fieldsText(fields));
}

function fieldsText(fields: Fields): string {
  let text = '';
  for (const [key, value] of fields) {
    if (value.includes('\0')) throw new TypeError(`the value of ${key} holds a NUL character`);
    text += `${key}=${value}\0`;
  }
  return text;
}

/** Frames one behind the other in one piece of memory: there may be a hundred thousand small ones. */
export interface FrameBatch {
  /** Bytes so far. */
  readonly length: number;
  addFields(type: string, fields: Fields): void;
  addBytes(type: string, payload: Uint8Array): void;
  /** All frames since the last call. Its memory is not used again. */
  take(): Buffer;
}

export function createFrameBatch(capacity: number): FrameBatch {
  let memory = Buffer.allocUnsafeSlow(capacity);
  let length = 0;
  const reserve = (size: number): void => {
    if (length + size <= memory.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * memory.length, length + size));
    memory.copy(larger, 0, 0, length);
    memory = larger;
  };
  /** Puts the header in front of a payload of `size` bytes that stands behind its place already. */
  const close = (type: string, size: number): void => {
    memory.writeUInt32LE(size, length);
    memory.fill(0, length + 4, length + headerSize);
    memory[length + 4] = type.charCodeAt(0);
    length += headerSize + size;
  };
  return {
    get length() {
      return length;
    },
    addFields(type, fields) {
      const text = fieldsText(fields);
      // A UTF-16 unit takes three bytes of UTF-8 at most.
      reserve(headerSize + text.length * 3);
      const start = length + headerSize;
      close(type, mayNameBytes(text) ? encodePathBytes(text).copy(memory, start) : memory.write(text, start, 'utf8'));
    },
    addBytes(type, payload) {
      reserve(headerSize + payload.length);
      memory.set(payload, length + headerSize);
      close(type, payload.length);
    },
    take() {
      const frames = memory.subarray(0, length);
      memory = Buffer.allocUnsafeSlow(capacity);
      length = 0;
      return frames;
    },
  };
}

export function decodeFields(payload: Buffer): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const item of decodePathBytes(payload).split('\0')) {
    const equals = item.indexOf('=');
    if (equals > 0) fields.set(item.slice(0, equals), item.slice(equals + 1));
  }
  return fields;
}

/** Cuts a byte stream into frames. Ends where the stream ends; a frame cut short by that is dropped with it. */
export async function* readFrames(chunks: AsyncIterable<Buffer>): AsyncGenerator<Frame, void, undefined> {
  let pending: Buffer[] = [];
  let available = 0;
  /** What has to be there before it is worth joining the pieces: a large frame comes in many. */
  let needed = headerSize;
  for await (const chunk of chunks) {
    pending.push(chunk);
    available += chunk.length;
    if (available < needed) continue;
    let buffer = pending.length === 1 ? chunk : Buffer.concat(pending);
    needed = headerSize;
    while (buffer.length >= headerSize) {
      needed = headerSize + buffer.readUInt32LE(0);
      if (buffer.length < needed) break;
      yield { type: String.fromCharCode(buffer[4] ?? 0), payload: buffer.subarray(headerSize, needed) };
      buffer = buffer.subarray(needed);
      needed = headerSize;
    }
    pending = buffer.length > 0 ? [buffer] : [];
    available = buffer.length;
  }
}
