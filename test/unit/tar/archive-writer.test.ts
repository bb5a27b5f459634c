import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { writeArchive } from '../../../src/tar/archive-writer.ts';
import type { ArchiveEntry } from '../../../src/tar/archive-writer.ts';
import { readTar } from '../../../src/tar/read-tar.ts';

async function bytesOf(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

const file = (path: string, content: string, mtime = 1_600_000_000): ArchiveEntry => ({
  path,
  type: 'file',
  mode: 0o644,
  mtime,
  size: Buffer.byteLength(content),
  content: Buffer.from(content),
});

async function* inPieces(text: string): AsyncGenerator<Uint8Array> {
  for (const letter of text) yield Buffer.from(letter);
}

const long = `blobs/sha256/${'f'.repeat(64)}/${'é'.repeat(60)}`;

const entries: readonly ArchiveEntry[] = [
  { path: 'blobs', type: 'directory', mode: 0o755, mtime: 0 },
  file('oci-layout', '{"imageLayoutVersion":"1.0.0"}'),
  { path: 'blobs/x', type: 'file', mode: 0o600, mtime: 1, size: 5, content: inPieces('hello') },
  { path: 'link', type: 'symlink', mode: 0o777, mtime: 2, linkname: 'blobs/x' },
  file(long, 'x'),
  file('late', '', 5_000_000_000),
  file('early', '', -5),
  file('empty', ''),
];

test('what is written is read again: names, modes, times and contents', async () => {
  const seen: unknown[] = [];
  const archive = await bytesOf(writeArchive(entries));
  for await (const entry of readTar(inOne(archive))) {
    const { path, type, mode, uid, gid, mtime, linkname } = entry;
    const content = (await bytesOf(entry.content)).toString();
    seen.push({ path, type, mode, uid, gid, mtime, linkname, content });
  }
  const common = { type: 'file', mode: 0o644, uid: 0, gid: 0, mtime: 1_600_000_000, linkname: '', content: '' };
  expect(seen).toEqual([
    { ...common, path: 'blobs/', type: 'directory', mode: 0o755, mtime: 0 },
    { ...common, path: 'oci-layout', content: '{"imageLayoutVersion":"1.0.0"}' },
    { ...common, path: 'blobs/x', mode: 0o600, mtime: 1, content: 'hello' },
    { ...common, path: 'link', type: 'symlink', mode: 0o777, mtime: 2, linkname: 'blobs/x' },
    { ...common, path: long, content: 'x' },
    { ...common, path: 'late', mtime: 5_000_000_000 },
    { ...common, path: 'early', mtime: -5 },
    { ...common, path: 'empty' },
  ]);
  expect(archive.length % 512).toBe(0);
});

test('GNU tar reads it', async () => {
  const plain = [file('a/b', 'hello'), file(long, 'x')];
  const listing = execFileSync('tar', ['-tf', '-', '--quoting-style=literal'], {
    input: await bytesOf(writeArchive(plain)),
  });
  expect(listing.toString()).toBe(`a/b\n${long}\n`);
});

test.each([
  ['short', 6],
  ['long', 4],
])('a content that is too %s is an error, not a broken archive', async (_name, size) => {
  const entry: ArchiveEntry = { path: 'x', type: 'file', mode: 0o644, mtime: 0, size, content: inPieces('hello') };
  await expect(bytesOf(writeArchive([entry, file('y', '')]))).rejects.toMatchObject({ code: 'TBUILD_ARCHIVE' });
});

test('an error of a content ends the stream with that error', async () => {
  const failure = new Error('disk');
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('he');
    throw failure;
  }
  const entry: ArchiveEntry = { path: 'x', type: 'file', mode: 0o644, mtime: 0, size: 5, content: failing() };
  await expect(bytesOf(writeArchive([entry]))).rejects.toBe(failure);
});

test('an error of the entries ends the stream with that error', async () => {
  const failure = new Error('no more');
  async function* failing(): AsyncGenerator<ArchiveEntry> {
    yield file('a', 'x');
    throw failure;
  }
  await expect(bytesOf(writeArchive(failing()))).rejects.toBe(failure);
});

test('content is pulled only as fast as the archive is read, and breaking off closes it', async () => {
  const chunk = Buffer.alloc(64 * 1024);
  let pulled = 0;
  let isClosed = false;
  async function* endless(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        pulled += chunk.length;
        yield chunk;
      }
    } finally {
      isClosed = true;
    }
  }
  const entry: ArchiveEntry = { path: 'x', type: 'file', mode: 0o644, mtime: 0, size: 2 ** 40, content: endless() };
  let read = 0;
  for await (const part of writeArchive([entry])) {
    read += part.length;
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (read > 20 * chunk.length) break;
  }
  expect(pulled - read).toBeLessThan(10 * chunk.length);
  expect(isClosed).toBe(true);
});

async function* inOne(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes;
}
