import { createHash } from 'node:crypto';

export type TarType = 'file' | 'directory' | 'symlink' | 'hardlink' | 'character' | 'block' | 'fifo';

export interface TarEntry {
  /** Without leading `./` or `/`, without trailing slash; '' is the root. */
  readonly path: string;
  readonly type: TarType;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: number;
  readonly size: number;
  /** Where the content begins in the stream. */
  readonly offset: number;
  readonly sha256: string;
  readonly link: string;
  readonly device: string;
  /** Values in hex. */
  readonly xattrs: Readonly<Record<string, string>>;
}

const types: Readonly<Record<string, TarType>> = {
  '\0': 'file',
  '0': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'character',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
};

/**
 * Entries of a tar stream. Written for the comparison alone, on purpose apart from src/tar: a mistake that reader and writer share would hide itself.
 * Knows ustar, PAX and the GNU long names; throws on anything else.
 */
export async function* readEntries(stream: AsyncIterable<Buffer>): AsyncGenerator<TarEntry, void, undefined> {
  const source = byteSource(stream);
  let pax: Readonly<Record<string, Buffer>> = {};
  let longName: string | undefined;
  let longLink: string | undefined;
  for (;;) {
    const header = await source.take(512);
    if (header === undefined || header.every((byte) => byte === 0)) return;
    const letter = String.fromCharCode(header[156] ?? 0);
    const text = (name: string): string | undefined => pax[name]?.toString('latin1');
    const size = Number(text('size') ?? number(header, 124, 12));
    if (letter === 'x' || letter === 'g' || letter === 'L' || letter === 'K') {
      const body = (await source.take(size)) ?? Buffer.alloc(0);
      await source.take((512 - (size % 512)) % 512);
      if (letter === 'x') pax = paxRecords(body);
      else if (letter === 'L') longName = field(body, 0, body.length);
      else if (letter === 'K') longLink = field(body, 0, body.length);
      continue;
    }
    const type = types[letter];
    if (type === undefined) throw new Error(`a tar entry of type ${JSON.stringify(letter)}`);
    const prefix = header.toString('latin1', 257, 263) === 'ustar\0' ? field(header, 345, 155) : '';
    const short = prefix === '' ? field(header, 0, 100) : `${prefix}/${field(header, 0, 100)}`;
    const hash = createHash('sha256');
    const offset = source.position();
    await source.pass(size, (chunk) => hash.update(chunk));
    await source.take((512 - (size % 512)) % 512);
    const isDevice = type === 'character' || type === 'block';
    yield {
      path: cleanPath(text('path') ?? longName ?? short),
      type,
      mode: number(header, 100, 8) & 0o7777,
      uid: Number(text('uid') ?? number(header, 108, 8)),
      gid: Number(text('gid') ?? number(header, 116, 8)),
      mtime: Math.floor(Number(text('mtime') ?? number(header, 136, 12))),
      size,
      offset,
      sha256: type === 'file' ? hash.digest('hex') : '',
      link: type === 'symlink' || type === 'hardlink' ? (text('linkpath') ?? longLink ?? field(header, 157, 100)) : '',
      device: isDevice ? `${number(header, 329, 8)}:${number(header, 337, 8)}` : '',
      xattrs: Object.fromEntries(
        Object.entries(pax)
          .filter(([name]) => name.startsWith('SCHILY.xattr.'))
          .map(([name, value]) => [name.slice('SCHILY.xattr.'.length), value.toString('hex')]),
      ),
    };
    pax = {};
    longName = longLink = undefined;
  }
}

export function cleanPath(path: string): string {
  return path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
}

interface ByteSource {
  /** So many bytes; undefined at the end of the stream. */
  take(size: number): Promise<Buffer | undefined>;
  pass(size: number, visit: (chunk: Buffer) => void): Promise<void>;
  position(): number;
}

function byteSource(stream: AsyncIterable<Buffer>): ByteSource {
  const chunks = stream[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  let position = 0;
  const refill = async (): Promise<boolean> => {
    const { done, value } = await chunks.next();
    if (done !== true) rest = value;
    return done !== true;
  };
  const pass = async (size: number, visit: (chunk: Buffer) => void): Promise<void> => {
    for (let left = size; left > 0;) {
      if (rest.length === 0 && !(await refill())) throw new Error('the tar ends in the middle of an entry');
      const part = rest.subarray(0, left);
      visit(part);
      rest = rest.subarray(part.length);
      left -= part.length;
      position += part.length;
    }
  };
  return {
    pass,
    position: () => position,
    async take(size) {
      if (size > 0 && rest.length === 0 && !(await refill())) return undefined;
      const parts: Buffer[] = [];
      await pass(size, (chunk) => parts.push(chunk));
      return Buffer.concat(parts);
    },
  };
}

function paxRecords(body: Buffer): Record<string, Buffer> {
  const records: Record<string, Buffer> = {};
  for (let at = 0; at < body.length;) {
    const space = body.indexOf(0x20, at);
    const end = at + Number(body.toString('latin1', at, space));
    const equals = body.indexOf(0x3d, space);
    if (!(end > at) || equals < 0 || equals > end) throw new Error('a malformed PAX record');
    records[body.toString('latin1', space + 1, equals)] = body.subarray(equals + 1, end - 1);
    at = end;
  }
  return records;
}

function field(header: Buffer, start: number, length: number): string {
  const text = header.toString('latin1', start, start + length);
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}

function number(header: Buffer, start: number, length: number): number {
  const first = header[start] ?? 0;
  if ((first & 0x80) !== 0) {
    // GNU's base 256, two's complement.
    let value = first === 0xff ? -1 : 0;
    for (let at = start + 1; at < start + length; at++) value = value * 256 + (header[at] ?? 0);
    return value;
  }
  const text = field(header, start, length).trim();
  return text === '' ? 0 : Number.parseInt(text, 8);
}
