import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync, linkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { endOfArchive, gnuLong, tarEntry, tarOf } from '../../../fixtures/layers/tar-bytes.ts';
import { isTbuildError } from '../../../src/errors.ts';
import { readTar } from '../../../src/tar/read-tar.ts';
import type { TarEntry } from '../../../src/tar/read-tar.ts';

type Seen = Omit<TarEntry, 'content'> & { readonly content: string };

async function read(tar: Buffer, chunkSize = 700): Promise<Seen[]> {
  const seen: Seen[] = [];
  for await (const { content, ...entry } of readTar(chunks(tar, chunkSize))) {
    const parts: Uint8Array[] = [];
    for await (const part of content) parts.push(part);
    seen.push({ ...entry, content: Buffer.concat(parts).toString() });
  }
  return seen;
}

async function* chunks(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}

describe('archives of GNU tar', () => {
  let root: string;
  const longName = `${'directory-with-a-long-name/'.repeat(5)}file`;
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'tbuild-read-tar-'));
    mkdirSync(join(root, 'directory-with-a-long-name/'.repeat(5)), { recursive: true });
    writeFileSync(join(root, longName), 'long');
    writeFileSync(join(root, 'plain'), 'x'.repeat(1500), { mode: 0o640 });
    writeFileSync(join(root, 'empty'), '');
    utimesSync(join(root, 'plain'), 1_600_000_000, 1_600_000_000.5);
    linkSync(join(root, 'plain'), join(root, 'second'));
    symlinkSync('../'.repeat(50), join(root, 'symlink'));
    execFileSync('mkfifo', [join(root, 'pipe')]);
  });
  afterAll(() => rmSync(root, { recursive: true }));

  const tar = (format: string, ...names: string[]): Buffer =>
    execFileSync('tar', [
      '-C',
      root,
      `--format=${format}`,
      '--owner=root:0',
      '--group=big:3000000',
      '-cf',
      '-',
      ...names,
    ]);

  test.each(['gnu', 'oldgnu', 'posix'])('in %s format are read as they are', async (format) => {
    const seen = await read(tar(format, 'plain', 'second', 'symlink', 'pipe', 'empty', longName));
    expect(seen).toMatchObject([
      {
        path: 'plain',
        type: 'file',
        mode: 0o640,
        uid: 0,
        gid: 3_000_000,
        mtime: 1_600_000_000,
        size: 1500,
        content: 'x'.repeat(1500),
      },
      { path: 'second', type: 'hardlink', linkname: 'plain', size: 0 },
      { path: 'symlink', type: 'symlink', linkname: '../'.repeat(50) },
      { path: 'pipe', type: 'fifo' },
      { path: 'empty', type: 'file', size: 0, content: '' },
      { path: longName, type: 'file', content: 'long' },
    ]);
  });

  test.each(['v7', 'ustar'])('in %s format are read as they are', async (format) => {
    const output = execFileSync('tar', ['-C', root, `--format=${format}`, '-cf', '-', 'plain', 'second', 'empty']);
    expect(await read(output)).toMatchObject([
      { path: 'plain', size: 1500 },
      { path: 'second', type: 'hardlink', linkname: 'plain' },
      { path: 'empty' },
    ]);
  });

  test('a long path in ustar format is put together from prefix and name', async () => {
    expect(await read(execFileSync('tar', ['-C', root, '--format=ustar', '-cf', '-', longName]))).toMatchObject([
      { path: longName },
    ]);
  });
});

test('the same entries come out whatever pieces the stream arrives in', async () => {
  const tar = tarOf(
    { name: 'a', content: 'x'.repeat(1000), pax: { path: 'p'.repeat(200), 'SCHILY.xattr.user.x': 'y' } },
    { name: 'b', content: 'z'.repeat(512) },
  );
  const whole = await read(tar, tar.length);
  expect(whole.map(({ path }) => path)).toEqual(['p'.repeat(200), 'b']);
  for (const size of [1, 511, 512, 513]) expect(await read(tar, size)).toEqual(whole);
});

test('content that is not read is skipped, in whole or in part', async () => {
  const tar = tarOf({ name: 'a', content: 'x'.repeat(2000) }, { name: 'b', content: 'y'.repeat(2000) }, { name: 'c' });
  const paths: string[] = [];
  for await (const entry of readTar(chunks(tar, 300))) {
    paths.push(entry.path);
    if (entry.path === 'b') for await (const part of entry.content) if (part.length > 0) break;
  }
  expect(paths).toEqual(['a', 'b', 'c']);
});

test('content that is asked for too late is a mistake of the program, never the bytes of another entry', async () => {
  const late: AsyncIterable<Uint8Array>[] = [];
  for await (const entry of readTar(chunks(tarOf({ name: 'a', content: 'x' }, { name: 'b' }), 512)))
    late.push(entry.content);
  await expect(late[0]?.[Symbol.asyncIterator]().next()).rejects.toThrow(TypeError);
});

test('PAX records override the header, a GNU long name overrides both, an empty value overrides nothing', async () => {
  const seen = await read(
    tarOf(
      { name: 'a', uid: 1, gid: 2, pax: { path: 'pax', uid: '7', gid: '4294967294', mtime: '12.9' } },
      gnuLong('L', 'gnu'),
      gnuLong('K', 'target'),
      { name: 'b', type: '2', linkname: 'x', pax: { path: 'pax', linkpath: 'pax' } },
      { name: 'c', pax: { path: '', uid: '' } },
    ),
  );
  expect(seen).toMatchObject([
    { path: 'pax', uid: 7, gid: 4_294_967_294, mtime: 12 },
    { path: 'gnu', linkname: 'target' },
    { path: 'c', uid: 0 },
  ]);
});

test('a PAX size overrides the header', async () => {
  const tar = Buffer.concat([
    tarEntry({ name: 'a', content: 'hello', size: 0, pax: { size: '5' } }),
    tarEntry({ name: 'b' }),
    endOfArchive,
  ]);
  expect(await read(tar)).toMatchObject([{ path: 'a', size: 5, content: 'hello' }, { path: 'b' }]);
});

test('numbers may be octal with blanks, or base-256', async () => {
  const blanks = [{ offset: 108, bytes: Buffer.from('   17 \0 ') }];
  const [octal, binary, negative] = await read(
    tarOf({ name: 'a', patch: blanks }, { name: 'b', uid: 3_000_000_000, mtime: 2 ** 40 }, { name: 'c', mtime: -7 }),
  );
  expect(octal).toMatchObject({ uid: 0o17 });
  expect(binary).toMatchObject({ uid: 3_000_000_000, mtime: 2 ** 40 });
  expect(negative).toMatchObject({ mtime: -7 });
});

test.each<[string, Buffer]>([
  ['a letter', Buffer.from('00000z7\0')],
  ['a minus', Buffer.from('-000007\0')],
  ['an 8', Buffer.from('0000008\0')],
])('%s in a number is refused', async (_name, bytes) => {
  await expect(read(tarOf({ name: 'a', patch: [{ offset: 108, bytes }] }))).rejects.toMatchObject({
    code: 'TBUILD_ARCHIVE',
  });
});

test('a checksum of signed bytes, as very old tars wrote it, is right', async () => {
  const entry = tarEntry({ name: 'é' });
  const signed = entry
    .subarray(0, 512)
    .reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 32 : (byte << 24) >> 24), 0);
  entry.write(`${signed.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  expect(await read(Buffer.concat([entry, endOfArchive]))).toMatchObject([{ path: 'é' }]);
});

test('a byte order mark in a name is part of the name', async () => {
  expect(await read(tarOf({ name: '\ufeffa' }))).toMatchObject([{ path: '\ufeffa' }]);
});

test('an old regular file whose name ends in a slash is a directory; a new one is a file', async () => {
  expect(
    await read(tarOf({ name: 'a/', type: '\0', format: 'v7' }, { name: 'b/', type: '0', content: 'x' })),
  ).toMatchObject([{ type: 'directory' }, { type: 'file', content: 'x' }]);
});

test('an empty stream and a bare end mark are archives without entries', async () => {
  expect(await read(Buffer.alloc(0))).toEqual([]);
  expect(await read(endOfArchive)).toEqual([]);
  expect(await read(Buffer.alloc(10_240))).toEqual([]);
});

test('the stream is read to its end, behind the end mark too', async () => {
  let isFinished = false;
  async function* source(): AsyncGenerator<Uint8Array> {
    yield tarOf({ name: 'a' });
    yield Buffer.alloc(9000);
    isFinished = true;
  }
  for await (const entry of readTar(source())) expect(entry.path).toBe('a');
  expect(isFinished).toBe(true);
});

test('an error of the source comes out as it is', async () => {
  const failure = new Error('network');
  async function* source(): AsyncGenerator<Uint8Array> {
    yield tarEntry({ name: 'a', content: 'x'.repeat(5000) }).subarray(0, 1024);
    throw failure;
  }
  await expect(async () => {
    for await (const entry of readTar(source())) expect(entry.path).toBe('a');
  }).rejects.toBe(failure);
});

test('whatever byte of an archive is changed, the only failures are coded ones', async () => {
  const tar = tarOf(
    { name: 'dir/', type: '5' },
    { name: 'a', content: 'hello', pax: { path: 'long', 'SCHILY.xattr.user.x': 'y' } },
    gnuLong('L', 'name'),
    { name: 'b', type: '2', linkname: 'a' },
  );
  const change = fc.record({ at: fc.nat(tar.length - 1), to: fc.nat(255) });
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), fc.boolean(), async (changes, fixChecksums) => {
      const bytes = Buffer.from(tar);
      for (const { at, to } of changes) bytes[at] = to;
      if (fixChecksums) for (let at = 0; at < bytes.length - 1024; at += 512) fixChecksum(bytes.subarray(at, at + 512));
      await read(bytes).catch((error: unknown) => expect(isTbuildError(error, 'TBUILD_ARCHIVE')).toBe(true));
    }),
    { numRuns: 400 },
  );
});

function fixChecksum(block: Buffer): void {
  if (block.toString('latin1', 257, 262) !== 'ustar') return;
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
}
