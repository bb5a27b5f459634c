import { archiveError } from './archive-error.ts';

/** Records by key; values are raw bytes, since extended attributes are binary. An empty value is kept: it means "no override". */
export type PaxRecords = ReadonlyMap<string, Buffer>;

/** Reads `LENGTH KEY=VALUE\n` records (POSIX pax). Throws TBUILD_ARCHIVE on anything else, since a reader that goes on would see other entries than docker's. */
export function parsePax(data: Buffer): PaxRecords {
  const records = new Map<string, Buffer>();
  for (let offset = 0; offset < data.length;) {
    const blank = data.indexOf(0x20, offset);
    const digits = blank === -1 || blank - offset > 7 ? '' : data.toString('latin1', offset, blank);
    const end = offset + (/^[0-9]+$/.test(digits) ? Number(digits) : 0);
    const equals = data.indexOf(0x3d, blank);
    if (end <= blank || end > data.length || data[end - 1] !== 0x0a || equals === -1 || equals >= end - 1) {
      throw archiveError('malformed PAX header');
    }
    const key = data.toString('utf8', blank + 1, equals);
    if (key === '' || key.includes('\0')) throw archiveError('malformed PAX header: no key');
    records.set(key, Buffer.from(data.subarray(equals + 1, end - 1)));
    offset = end;
  }
  return records;
}

/** A whole number; fractions (of times) are rounded down. */
export function paxInteger(records: PaxRecords, key: 'size' | 'uid' | 'gid' | 'mtime'): number | undefined {
  const value = records.get(key)?.toString('latin1');
  if (value === undefined || value === '') return undefined;
  const pattern = key === 'mtime' ? /^-?[0-9]{1,18}(?:\.[0-9]*)?$/ : /^[0-9]{1,18}$/;
  const number = pattern.test(value) ? Math.floor(Number(value)) : NaN;
  if (!Number.isSafeInteger(number))
    throw archiveError(`malformed PAX header: ${key} is ${JSON.stringify(value.slice(0, 50))}`);
  return number;
}

/** Name to lower-case hex. */
export function paxXattrs(records: PaxRecords): Readonly<Record<string, string>> {
  const found: [string, string][] = [];
  for (const [key, value] of records) {
    if (!key.startsWith(xattrPrefix)) continue;
    const name = key.slice(xattrPrefix.length);
    // The kernel's XATTR_NAME_MAX and XATTR_SIZE_MAX.
    if (name === '' || Buffer.byteLength(name) > 255 || value.length > 65_536) {
      throw archiveError(`extended attribute ${JSON.stringify(name.slice(0, 100))} is over the kernel's limits`);
    }
    found.push([name, value.toString('hex')]);
  }
  return Object.fromEntries(found);
}

const xattrPrefix = 'SCHILY.xattr.';
