import { createReadStream } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { tarOf } from '../../../fixtures/layers/tar-bytes.ts';
import { decompress, isTarArchive } from '../../../src/tar/decompress.ts';

async function* chunks(bytes: Uint8Array, size = 100): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}

async function unpack(bytes: Uint8Array, size?: number): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of decompress(chunks(bytes, size))) parts.push(part);
  return Buffer.concat(parts).toString();
}

const text = 'hello '.repeat(1000);
const gzipped = gzipSync(text);

test('plain bytes pass through', async () => {
  expect(await unpack(Buffer.from(text))).toBe(text);
  expect(await unpack(Buffer.alloc(0))).toBe('');
  expect(await unpack(Buffer.from('h'))).toBe('h');
});

test('gzip is recognised by content, in pieces of any size', async () => {
  for (const size of [1, 3, 64, 100_000]) expect(await unpack(gzipped, size)).toBe(text);
});

test('members behind each other are one stream, and zeros at the end are padding', async () => {
  expect(await unpack(Buffer.concat([gzipped, gzipSync('and more'), Buffer.alloc(512)]))).toBe(`${text}and more`);
});

test.each<[string, Buffer]>([
  ['cut off in the data', gzipped.subarray(0, -20)],
  ['cut off in the checksum', gzipped.subarray(0, -3)],
  ['cut off in a second member', Buffer.concat([gzipped, gzipped.subarray(0, 12)])],
  ['changed in the middle', Buffer.from(gzipped).fill(0xff, 20, 24)],
  ['with a wrong checksum', Buffer.concat([gzipped.subarray(0, -8), Buffer.alloc(8, 1)])],
  ['followed by other bytes', Buffer.concat([gzipped, Buffer.from('garbage')])],
])('gzip %s is refused', async (_name, bytes) => {
  await expect(unpack(bytes)).rejects.toMatchObject({ code: 'TBUILD_ARCHIVE' });
});

test('an error of the source comes out as it is', async () => {
  const failure = new Error('network');
  async function* source(): AsyncGenerator<Uint8Array> {
    yield gzipped.subarray(0, 10);
    throw failure;
  }
  await expect(async () => {
    for await (const part of decompress(source())) expect(part.length).toBeGreaterThan(0);
  }).rejects.toBe(failure);
});

test('breaking off closes the source, which is not read ahead without bound', async () => {
  let isClosed = false;
  let pulled = 0;
  async function* source(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        pulled++;
        yield gzipSync(Buffer.alloc(100_000));
      }
    } finally {
      isClosed = true;
    }
  }
  for await (const part of decompress(source())) if (part.length > 0) break;
  expect(isClosed).toBe(true);
  expect(pulled).toBeLessThan(1000);
});

test.each<[string, Buffer, boolean]>([
  ['a tar', tarOf({ name: 'a' }), true],
  ['a tar.gz', gzipSync(tarOf({ name: 'a' })), true],
  ['a tar of nothing', Buffer.alloc(1024), false],
  ['compressed text', gzipped, false],
  ['a damaged gzip file', gzipped.subarray(0, 15), false],
  ['text', Buffer.from(text), false],
  ['an empty file', Buffer.alloc(0), false],
])('%s: is an archive that ADD unpacks? %s', async (_name, bytes, expected) => {
  expect(await isTarArchive(chunks(bytes))).toBe(expected);
});

test('of data that cannot be looked into nobody can say whether it is an archive', async () => {
  const randomised = Buffer.from('QlpoOTFBWSZTWQAAAACA', 'base64');
  await expect(isTarArchive(chunks(randomised))).rejects.toMatchObject({ code: 'TBUILD_UNSUPPORTED' });
});

test('a file stream is a source', async () => {
  expect(await isTarArchive(createReadStream(import.meta.filename))).toBe(false);
});
