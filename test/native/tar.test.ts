import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../helpers/capabilities.ts';
import { failure, openDiffBench, result } from './diff-bench.ts';
import type { DiffBench } from './diff-bench.ts';
import { directory, parent, streamed } from './frames.ts';
import { entry } from './raw-client.ts';
import type { RawAnswer, RawFrame } from './raw-client.ts';
import { sha256 } from './workspace.ts';

let bench: DiffBench;
beforeAll(() => void (bench = openDiffBench()));
afterAll(() => bench[Symbol.asyncDispose](), 60_000);

/** Needs no privilege to write; every feature of the format. */
const everything: readonly RawFrame[] = [
  directory('a', ['mode', '1777'], ['mtime', '1000000000'], ['opaque', '1'], ['xattr', 'user.note=00ff0a']),
  ...streamed('a/file', 'content', ['mode', '4755'], ['mtime', '1234567890']),
  entry(['path', 'a/hard'], ['type', 'hardlink'], ['link', 'a/file']),
  entry(['path', 'a/link'], ['type', 'symlink'], ['link', '../target with space'], ['mtime', '7']),
  entry(['path', 'a/fifo'], ['type', 'fifo'], ['mode', '600'], ['mtime', '8']),
  entry(['path', 'a/gone'], ['type', 'whiteout']),
  entry(['path', 'gone too'], ['type', 'whiteout']),
  parent('p'),
  ...streamed('p/old', '', ['mtime', '-100']),
  ...streamed('p/far', 'x'.repeat(600), ['mtime', '8589934592']),
  ...streamed('é', 'é'),
  directory('d'.repeat(99), ['mtime', '1']),
  directory('e'.repeat(100), ['mtime', '1']),
  ...streamed(`${'d'.repeat(99)}/${'f'.repeat(120)}`, 'long', ['mtime', '1']),
  entry(['path', 'long link'], ['type', 'symlink'], ['link', 'x/'.repeat(60)], ['mtime', '1']),
  directory('.', ['mode', '700'], ['mtime', '5']),
];

describe('the canonical tar', () => {
  it('is what the diffID of write and commit says, byte for byte', async () => {
    const { tar, answer, written } = await tarOf(everything);
    expect(sha256(tar)).toBe(result(written)['diffid']);
    expect(String(tar.length)).toBe(result(written)['tar-size']);
    expect(result(answer)).toEqual({ diffid: sha256(tar), 'tar-size': String(tar.length) });
    const committed = await bench.commit(bench.diff);
    expect(result(committed)).toMatchObject({ size: result(written)['size'], entries: result(written)['entries'] });
  });

  it('reads in tar(1) as the entries that went in', async () => {
    const { tar } = await tarOf(everything);
    const listed = execFileSync('tar', ['tvf', '-', '--full-time', '--numeric-owner', '--quoting-style=literal'], {
      input: tar,
      env: { ...process.env, TZ: 'UTC', LC_ALL: 'C.UTF-8' },
      encoding: 'utf8',
    });
    const now = expect.stringMatching(/^-rw-r--r-- 0\/0 2 \S+ \S+ é$/);
    expect(
      listed
        .trim()
        .split('\n')
        .map((line) => line.replaceAll(/ +/g, ' ')),
    ).toEqual([
      'drwx------ 0/0 0 1970-01-01 00:00:05 ./',
      'drwxrwxrwt 0/0 0 2001-09-09 01:46:40 a/',
      '---------- 0/0 0 1970-01-01 00:00:00 a/.wh..wh..opq',
      'prw------- 0/0 0 1970-01-01 00:00:08 a/fifo',
      '-rwsr-xr-x 0/0 7 2009-02-13 23:31:30 a/file',
      '---------- 0/0 0 1970-01-01 00:00:00 a/.wh.gone',
      'hrwsr-xr-x 0/0 0 2009-02-13 23:31:30 a/hard link to a/file',
      'lrwxrwxrwx 0/0 0 1970-01-01 00:00:07 a/link -> ../target with space',
      `drwxr-xr-x 0/0 0 1970-01-01 00:00:01 ${'d'.repeat(99)}/`,
      `-rw-r--r-- 0/0 4 1970-01-01 00:00:01 ${'d'.repeat(99)}/${'f'.repeat(120)}`,
      `drwxr-xr-x 0/0 0 1970-01-01 00:00:01 ${'e'.repeat(100)}/`,
      '---------- 0/0 0 1970-01-01 00:00:00 .wh.gone too',
      `lrwxrwxrwx 0/0 0 1970-01-01 00:00:01 long link -> ${'x/'.repeat(60)}`,
      'drwxr-xr-x 0/0 0 2242-03-16 12:56:32 p/',
      '-rw-r--r-- 0/0 600 2242-03-16 12:56:32 p/far',
      '-rw-r--r-- 0/0 0 1969-12-31 23:58:20 p/old',
      now,
    ]);
  });

  it('has ustar headers with nothing in them that the listing does not say', async () => {
    const { tar } = await tarOf(streamed('file', 'hello', ['mode', '640'], ['mtime', '8']));
    const header = Buffer.alloc(512);
    header.write('file');
    header.write('0000640\0' + '0000000\0' + '0000000\0' + '00000000005\0' + '00000000010\0' + '        ' + '0', 100);
    header.write('ustar\0' + '00', 257);
    header.write('0000000\0' + '0000000\0', 329);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    expect(tar).toEqual(Buffer.concat([header, Buffer.from('hello'.padEnd(512, '\0')), Buffer.alloc(1024)]));
  });

  it('puts what ustar cannot hold into PAX records, in a fixed order', async () => {
    const { tar } = await tarOf(streamed('ü', '', ['mtime', '-1'], ['xattr', 'user.b=00'], ['xattr', 'user.a=0a3d']));
    expect(tar.toString('latin1', 0, 15)).toBe('PaxHeaders.0/\u00c3\u00bc');
    expect(tar.toString('latin1', 100, 108)).toBe('0000644\0');
    expect(tar.toString('latin1', 136, 148)).toBe('00000000000\0');
    expect(tar.toString('latin1', 156, 157)).toBe('x');
    const records =
      '11 path=\u00c3\u00bc\n' + '12 mtime=-1\n' + '26 SCHILY.xattr.user.a=\n=\n' + '25 SCHILY.xattr.user.b=\0\n';
    expect(tar.toString('latin1', 512, 1024)).toBe(records.padEnd(512, '\0'));
    expect(tar.toString('latin1', 1024 + 136, 1024 + 148)).toBe('00000000000\0');
  });

  it('of the empty layer is 1,024 zero bytes', async () => {
    expect((await tarOf([])).tar).toEqual(Buffer.alloc(1024));
  });

  it('extracts to the same tree', async () => {
    const { tar } = await tarOf([
      directory('d', ['mtime', '5'], ['mode', '750']),
      ...streamed('d/f', 'x'.repeat(3_000_000), ['mtime', '6']),
      entry(['path', 'd/h'], ['type', 'hardlink'], ['link', 'd/f']),
    ]);
    mkdirSync(`${bench.path}out`);
    execFileSync('tar', ['xpf', '-', '-C', `${bench.path}out`], { input: tar });
    expect(lstatSync(`${bench.path}out/d`)).toMatchObject({ mode: 0o40750, mtimeMs: 5000 });
    expect(lstatSync(`${bench.path}out/d/h`)).toMatchObject({ nlink: 2, size: 3_000_000, mtimeMs: 6000 });
  });

  it('is the same from a listing file with its offset table', async () => {
    const { written, tar } = await tarOf(everything);
    const text = written.bytes('L');
    const footer = Buffer.alloc(32);
    footer.writeBigUInt64LE(BigInt(text.length), 0);
    footer.write('tbuildL1', 24);
    writeFileSync(`${bench.path}listing`, Buffer.concat([text, Buffer.alloc(16 * 8), footer]));
    expect((await sendTar()).bytes('D').equals(tar)).toBe(true);
  });

  it('is not sent where a file is not what the listing says', async () => {
    await tarOf(streamed('f', 'hello'));
    truncateSync(`${bench.diff}/f`, 3);
    expect(failure(await sendTar())).toEqual(['read', 5]);
  });

  const hostile = [
    'f',
    'f q 644 0 0 0',
    'f f 9 0 0 0 size=0',
    'f f 644 0 0 0 size=-1',
    'f%2 f 644 0 0 0',
    'f f 644 0 0 0 bad=1',
    '../etc/passwd f 644 0 0 0 size=1',
    '/etc/passwd f 644 0 0 0 size=1',
    'a/../../x f 644 0 0 0 size=1',
    'f w\nno newline',
  ];
  it.each(hostile)('is not made of the listing %j', async (text) => {
    await bench.write(streamed('f', ''));
    writeFileSync(`${bench.path}listing`, text.includes('\n') ? text : `${text}\n`);
    expect(failure(await sendTar())[1]).toBe(22);
  });

  it.skipIf(lacks('root'))('holds large ids, devices and capabilities', async () => {
    const { tar } = await tarOf([
      ...streamed(
        'f',
        '',
        ['uid', '2097151'],
        ['gid', '2097152'],
        ['mtime', '0'],
        ['xattr', 'security.capability=0100000200040000000000000000000000000000'],
      ),
      entry(['path', 'sda'], ['type', 'block'], ['mode', '660'], ['major', '8'], ['minor', '1'], ['mtime', '0']),
      entry(['path', 'null'], ['type', 'character'], ['mode', '666'], ['major', '1'], ['minor', '3'], ['mtime', '0']),
    ]);
    const listed = execFileSync('tar', ['tvf', '-', '--numeric-owner'], {
      input: tar,
      env: { ...process.env, TZ: 'UTC' },
      encoding: 'utf8',
    });
    expect(
      listed
        .trim()
        .split('\n')
        .map((line) => line.replaceAll(/ +/g, ' ')),
    ).toEqual([
      '-rw-r--r-- 2097151/2097152 0 1970-01-01 00:00 f',
      'crw-rw-rw- 0/0 1,3 1970-01-01 00:00 null',
      'brw-rw---- 0/0 8,1 1970-01-01 00:00 sda',
    ]);
    expect(tar.toString('latin1', 512, 526)).toBe('15 gid=2097152');
    expect(tar.includes('SCHILY.xattr.security.capability=\u0001\0\0\u0002')).toBe(true);
  });
});

async function tarOf(frames: readonly RawFrame[]): Promise<{ tar: Buffer; answer: RawAnswer; written: RawAnswer }> {
  const written = await bench.write(frames);
  result(written);
  writeFileSync(`${bench.path}listing`, written.bytes('L'));
  const answer = await sendTar();
  return { tar: answer.bytes('D'), answer, written };
}

async function sendTar(): Promise<RawAnswer> {
  const answer = await bench.helper.call([
    ['op', 'tar'],
    ['diff', bench.diff],
    ['listing', `${bench.path}listing`],
  ]);
  expect(readFileSync(`${bench.path}listing`)).toBeDefined();
  return answer;
}
