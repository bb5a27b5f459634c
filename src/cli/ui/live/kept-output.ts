/** What a command writes, kept in bounded memory: how it began, and how it ended. The lines of its two streams stand in the order in which they ended. */
export interface KeptOutput {
  add(stream: 'stdout' | 'stderr', chunk: Uint8Array): void;
  /** The last lines, also such as have not ended yet; the empty ones at the end do not count. */
  tail(count: number): OutputTail;
  /** How it began and how it ended; `omitted` stood between. */
  excerpt(): OutputExcerpt;
}

export interface OutputTail {
  readonly lines: readonly string[];
  /** How many there were before them. */
  readonly before: number;
  /** Of all output, in bytes. */
  readonly size: number;
}

export interface OutputExcerpt {
  readonly head: readonly string[];
  readonly omitted: { readonly lines: number; readonly bytes: number };
  readonly tail: readonly string[];
}

/** In bytes. */
export interface OutputBounds {
  readonly head: number;
  readonly tail: number;
  /** A line that is longer is broken. */
  readonly line: number;
}

const defaultBounds: OutputBounds = { head: 16 * 1024, tail: 64 * 1024, line: 16 * 1024 };
/** Of the end: enough for the lines of a screen. */
const shownBytes = 16 * 1024;
/** What is dropped at once is about so much. */
const pieceSize = 8 * 1024;
const newline = 0x0a;

interface Piece {
  /** Whole lines. */
  readonly bytes: Buffer;
  readonly lines: number;
}

export function createKeptOutput(bounds: OutputBounds = defaultBounds): KeptOutput {
  const head: Buffer[] = [];
  const tail: Piece[] = [];
  const open = new Map<'stdout' | 'stderr', Buffer>();
  const omitted = { lines: 0, bytes: 0 };
  let isHeadFull = false;
  let headSize = 0;
  let tailSize = 0;
  let lineCount = 0;
  let size = 0;

  const keep = (bytes: Buffer): void => {
    let start = isHeadFull ? 0 : fillHead(bytes);
    while (start < bytes.length) {
      const end = endOfPiece(bytes, start);
      keepLast(bytes.subarray(start, end));
      start = end;
    }
  };
  /** Takes whole lines as far as they fit; returns how many bytes. */
  const fillHead = (bytes: Buffer): number => {
    const room = bounds.head - headSize;
    const end = bytes.length <= room ? bytes.length : bytes.subarray(0, room).lastIndexOf(newline) + 1;
    isHeadFull = end < bytes.length;
    const taken = bytes.subarray(0, end);
    if (end > 0) head.push(taken);
    headSize += end;
    lineCount += countLines(taken);
    return end;
  };
  const keepLast = (bytes: Buffer): void => {
    const lines = countLines(bytes);
    tail.push({ bytes, lines });
    tailSize += bytes.length;
    lineCount += lines;
    for (let [first] = tail; first !== undefined && tailSize - first.bytes.length >= bounds.tail; [first] = tail) {
      tail.shift();
      tailSize -= first.bytes.length;
      omitted.lines += first.lines;
      omitted.bytes += first.bytes.length;
    }
  };
  const openLines = (): string[] => [...open.values()].map((bytes) => bytes.toString());

  return {
    add(stream, chunk) {
      size += chunk.length;
      const before = open.get(stream);
      const bytes = before === undefined ? Buffer.from(chunk) : Buffer.concat([before, chunk]);
      const end = bytes.lastIndexOf(newline) + 1;
      if (end > 0) keep(bytes.subarray(0, end));
      const rest = bytes.subarray(end);
      open.delete(stream);
      if (rest.length > bounds.line) keep(Buffer.concat([rest, Buffer.of(newline)]));
      else if (rest.length > 0) open.set(stream, Buffer.from(rest));
    },
    tail(count) {
      const lines = [...linesOf(lastBytes([...head, ...bytesOf(tail)])), ...openLines()];
      let after = 0;
      while (lines.at(-1 - after)?.trim() === '') after++;
      const shown = lines.slice(0, lines.length - after).slice(-count);
      return { lines: shown, before: lineCount + open.size - after - shown.length, size };
    },
    excerpt: () => ({
      head: linesOf(head),
      omitted: { ...omitted },
      tail: [...linesOf(bytesOf(tail)), ...openLines()],
    }),
  };
}

/** Whole lines, or a single one that is longer. */
function endOfPiece(bytes: Buffer, start: number): number {
  const last = bytes.subarray(start, start + pieceSize).lastIndexOf(newline);
  return 1 + (last < 0 ? bytes.indexOf(newline, start) : start + last);
}

function bytesOf(pieces: readonly Piece[]): readonly Buffer[] {
  return pieces.map(({ bytes }) => bytes);
}

function lastBytes(pieces: readonly Buffer[]): readonly Buffer[] {
  const kept: Buffer[] = [];
  let size = 0;
  for (const bytes of pieces.toReversed()) {
    if (size >= shownBytes) break;
    kept.unshift(bytes);
    size += bytes.length;
  }
  const [first, ...others] = kept;
  if (first === undefined || size <= shownBytes) return kept;
  const cut = first.subarray(size - shownBytes);
  const start = cut.indexOf(newline) + 1;
  // Of a line that is longer than all that is shown, its end.
  return [start < cut.length ? cut.subarray(start) : cut, ...others];
}

function linesOf(pieces: readonly Buffer[]): readonly string[] {
  const text = Buffer.concat(pieces).toString();
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

/** A loop: with callbacks or searches for each, 100 MB of short lines would take seconds. */
function countLines(bytes: Buffer): number {
  let count = 0;
  for (let index = 0; index < bytes.length; index++) if (bytes[index] === newline) count++;
  return count;
}
