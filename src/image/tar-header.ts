import type { ListingEntry } from '../store/types.ts';
import { encodePathBytes } from '../util/path-bytes.ts';

export interface TarHeaderEntry {
  readonly entry: ListingEntry;
  /** The path as bytes. */
  readonly name: Buffer;
  /** Seconds. */
  readonly mtime: number;
  /** The entry is a hard link to this path. */
  readonly linkTo: string | undefined;
}

/**
 * The header of an entry as ustar blocks, with a PAX header in front where one is needed: by the rules of the canonical tar (docs/store-listing.md).
 */
export function tarHeader({ entry, name, mtime, linkTo }: TarHeaderEntry): Buffer {
  const path = entry.type === 'directory' ? Buffer.concat([name, Buffer.from('/')]) : name;
  const link = encodePathBytes(linkTo ?? entry.link ?? '');
  const size = linkTo === undefined && entry.type === 'file' ? entry.size : 0;
  const records = [
    ...(isPlain(path) ? [] : [record('path', path)]),
    ...(isPlain(link) ? [] : [record('linkpath', link)]),
    ...(size <= maxSize ? [] : [record('size', size)]),
    ...(entry.uid <= maxId ? [] : [record('uid', entry.uid)]),
    ...(entry.gid <= maxId ? [] : [record('gid', entry.gid)]),
    ...(isPlainTime(mtime) ? [] : [record('mtime', mtime)]),
    ...Object.entries(linkTo === undefined ? entry.xattrs : {})
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([attribute, hex]) => record(`SCHILY.xattr.${attribute}`, Buffer.from(hex, 'hex'))),
  ];
  const header = block({
    name: path,
    mode: entry.mode,
    uid: entry.uid <= maxId ? entry.uid : 0,
    gid: entry.gid <= maxId ? entry.gid : 0,
    size: size <= maxSize ? size : 0,
    mtime: isPlainTime(mtime) ? mtime : 0,
    type: linkTo === undefined ? typeFlags[entry.type] : '1',
    link,
    major: entry.device?.major ?? 0,
    minor: entry.device?.minor ?? 0,
  });
  return records.length === 0 ? header : Buffer.concat([paxHeader(name, Buffer.concat(records)), header]);
}

/** Zeros that fill a content of this size up to a whole block. */
export function padding(size: number): Buffer {
  return Buffer.alloc((512 - (size % 512)) % 512);
}

const maxSize = 0o77777777777;
const maxId = 0o7777777;

const typeFlags: Readonly<Record<ListingEntry['type'], string>> = {
  file: '0',
  symlink: '2',
  character: '3',
  block: '4',
  directory: '5',
  fifo: '6',
  // Never in a merged tree.
  whiteout: '0',
};

function isPlain(text: Buffer): boolean {
  return text.length <= 100 && text.every((byte) => byte < 0x80);
}

function isPlainTime(seconds: number): boolean {
  return seconds >= 0 && seconds <= maxSize;
}

function paxHeader(name: Buffer, body: Buffer): Buffer {
  const last = name.subarray(name.lastIndexOf('/') + 1).subarray(0, 80);
  const fields = { mode: 0o644, uid: 0, gid: 0, mtime: 0, major: 0, minor: 0, link: Buffer.alloc(0) };
  const header = block({
    ...fields,
    name: Buffer.concat([Buffer.from('PaxHeaders.0/'), last]),
    type: 'x',
    size: body.length,
  });
  return Buffer.concat([header, body, padding(body.length)]);
}

/** `LENGTH KEY=VALUE\n`, where LENGTH counts its own digits too. */
function record(key: string, value: Buffer | number): Buffer {
  const rest = Buffer.concat([
    Buffer.from(` ${key}=`),
    typeof value === 'number' ? Buffer.from(String(value)) : value,
    Buffer.from('\n'),
  ]);
  let length = rest.length;
  while (rest.length + String(length).length !== length) length = rest.length + String(length).length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

interface HeaderFields {
  readonly name: Buffer;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly type: string;
  readonly link: Buffer;
  readonly major: number;
  readonly minor: number;
}

function block(fields: HeaderFields): Buffer {
  const header = Buffer.alloc(512);
  const octal = (offset: number, length: number, value: number): void => {
    header.write(value.toString(8).padStart(length - 1, '0'), offset, 'latin1');
  };
  fields.name.copy(header, 0, 0, 100);
  octal(100, 8, fields.mode);
  octal(108, 8, fields.uid);
  octal(116, 8, fields.gid);
  octal(124, 12, fields.size);
  octal(136, 12, fields.mtime);
  header.fill(' ', 148, 156);
  header.write(fields.type, 156, 'latin1');
  fields.link.copy(header, 157, 0, 100);
  header.write('ustar\x0000', 257, 'latin1');
  octal(329, 8, fields.major);
  octal(337, 8, fields.minor);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}
