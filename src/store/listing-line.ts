import { decodePathBytes } from '../util/path-bytes.ts';
import type { ListingEntry } from './types.ts';

const space = 0x20;
const percent = 0x25;
const dot = 0x2e;

/**
 * Compares the path of the line at `start` with `path` by raw bytes, as listings are sorted. Escapes are undone on the way: their own order is another.
 * The root, written `.`, is the empty path.
 */
export function compareLinePath(text: Buffer, start: number, path: Buffer): number {
  if (text[start] === dot && text[start + 1] === space) return path.length === 0 ? 0 : -1;
  let position = start;
  for (let index = 0; ; index += 1) {
    let byte = text[position] ?? space;
    if (byte === space) return index === path.length ? 0 : -1;
    if (index === path.length) return 1;
    if (byte === percent) {
      byte = hexByte(text, position + 1);
      position += 2;
    }
    position += 1;
    const difference = byte - (path[index] ?? 0);
    if (difference !== 0) return difference;
  }
}

/** The raw path bytes of the line at `start`. */
export function linePath(text: Buffer, start: number): Buffer {
  const end = text.indexOf(space, start);
  const field = text.subarray(start, end === -1 ? text.length : end);
  return field.length === 1 && field[0] === dot ? Buffer.alloc(0) : unescape(field);
}

/** One line without its newline. Undefined when it is not one (docs/store-listing.md). */
export function parseListingLine(line: string): ListingEntry | undefined {
  const [name, letter, mode, uid, gid, mtime, ...keys] = line.split(' ');
  if (name === undefined || name === '' || letter === undefined) return undefined;
  const path = name === '.' ? '' : unescapeText(name);
  if (letter === 'w') return mode === undefined ? { ...blank, path, type: 'whiteout' } : undefined;
  const type = types[letter];
  if (type === undefined || mtime === undefined) return undefined;
  const entry: Mutable = {
    ...blank,
    path,
    type,
    mode: Number.parseInt(mode ?? '', 8),
    uid: Number(uid),
    gid: Number(gid),
    mtime: mtime === '-' ? undefined : Number(mtime),
  };
  const isValid = keys.every((key) => applyKey(entry, key));
  return isValid && Number.isInteger(entry.mode + entry.uid + entry.gid + (entry.mtime ?? 0)) ? entry : undefined;
}

type Mutable = { -readonly [Key in keyof ListingEntry]: ListingEntry[Key] };

export const blank: ListingEntry = {
  path: '',
  type: 'directory',
  mode: 0,
  uid: 0,
  gid: 0,
  mtime: undefined,
  size: 0,
  sha256: undefined,
  link: undefined,
  device: undefined,
  hard: undefined,
  opaque: false,
  parent: false,
  xattrs: {},
};

const types: Readonly<Record<string, ListingEntry['type']>> = {
  d: 'directory',
  f: 'file',
  l: 'symlink',
  c: 'character',
  b: 'block',
  p: 'fifo',
};

/** False: no known key. */
function applyKey(entry: Mutable, item: string): boolean {
  if (item.startsWith('x:')) {
    const equals = item.lastIndexOf('=');
    if (equals < 3) return false;
    entry.xattrs = { ...entry.xattrs, [unescapeText(item.slice(2, equals))]: item.slice(equals + 1) };
    return true;
  }
  const equals = item.indexOf('=');
  const value = item.slice(equals + 1);
  switch (item.slice(0, equals)) {
    case 'size':
      entry.size = Number(value);
      return Number.isSafeInteger(entry.size);
    case 'sha256':
      entry.sha256 = value;
      return true;
    case 'link':
      entry.link = unescapeText(value);
      return true;
    case 'dev': {
      const [major, minor] = value.split(':').map(Number);
      entry.device = { major: major ?? Number.NaN, minor: minor ?? Number.NaN };
      return Number.isInteger(entry.device.major + entry.device.minor);
    }
    case 'hard':
      entry.hard = unescapeText(value);
      return true;
    case 'opaque':
      entry.opaque = true;
      return value === '1';
    case 'parent':
      entry.parent = true;
      return value === '1';
    default:
      return false;
  }
}

function unescapeText(text: string): string {
  return text.includes('%') ? decodePathBytes(unescape(Buffer.from(text, 'latin1'))) : text;
}

function unescape(field: Buffer): Buffer {
  if (!field.includes(percent)) return field;
  const bytes = Buffer.allocUnsafe(field.length);
  let length = 0;
  for (let index = 0; index < field.length; index += 1) {
    const isEscape = field[index] === percent;
    bytes[length] = isEscape ? hexByte(field, index + 1) : (field[index] ?? 0);
    length += 1;
    if (isEscape) index += 2;
  }
  return bytes.subarray(0, length);
}

function hexByte(text: Buffer, position: number): number {
  return hexDigit(text[position] ?? 0) * 16 + hexDigit(text[position + 1] ?? 0);
}

function hexDigit(code: number): number {
  return code < 0x40 ? code - 0x30 : (code & 0xdf) - 0x37;
}
