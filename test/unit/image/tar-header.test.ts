import { expect, test } from 'vitest';
import { padding, tarHeader } from '../../../src/image/tar-header.ts';
import { readTar } from '../../../src/tar/read-tar.ts';
import type { TarEntry } from '../../../src/tar/read-tar.ts';
import { listingEntries } from '../../helpers/temp-store.ts';
import type { EntrySpec } from '../../helpers/temp-store.ts';

function header(path: string, spec: EntrySpec, options: { mtime?: number; linkTo?: string } = {}): Buffer {
  const [entry] = listingEntries({ [path]: spec });
  if (entry === undefined) throw new Error('no entry');
  const { mtime = 1_700_000_000, linkTo } = options;
  return tarHeader({ entry, name: Buffer.from(path), mtime, linkTo });
}

async function readBack(...args: Parameters<typeof header>): Promise<TarEntry | undefined> {
  async function* archive(): AsyncGenerator<Buffer> {
    yield Buffer.concat([header(...args), Buffer.alloc(1024)]);
  }
  for await (const entry of readTar(archive())) return entry;
  return undefined;
}

test.each<[string, string, EntrySpec, object]>([
  ['a directory', 'etc', { type: 'directory', mode: 0o1777 }, { path: 'etc/', type: 'directory', mode: 0o1777 }],
  ['a symlink', 'l', { type: 'symlink', link: '../t', mode: 0o777 }, { type: 'symlink', linkname: '../t' }],
  ['a device', 'n', { type: 'character', device: { major: 1, minor: 3 } }, { type: 'character', major: 1, minor: 3 }],
  ['a fifo', 'p', { type: 'fifo' }, { type: 'fifo' }],
  ['an owner', 'f', { content: '', uid: 12, gid: 34, mode: 0o4755 }, { uid: 12, gid: 34, mode: 0o4755 }],
  ['large ids', 'f', { content: '', uid: 3_000_000, gid: 4_000_000_000 }, { uid: 3_000_000, gid: 4_000_000_000 }],
  ['a long path', `${'d/'.repeat(99)}file`, '', { path: `${'d/'.repeat(99)}file` }],
  ['a path that is not ASCII', 'ü', '', { path: 'ü' }],
  ['a long target', 'l', { type: 'symlink', link: 'x'.repeat(300) }, { linkname: 'x'.repeat(300) }],
  [
    'extended attributes',
    'f',
    { content: '', xattrs: { 'user.b': '00ff0a', 'user.a': '' } },
    { xattrs: { 'user.a': '', 'user.b': '00ff0a' } },
  ],
])('%s reads back as it was', async (_, path, spec, expected) => {
  expect(await readBack(path, spec)).toMatchObject(expected);
});

test('times before 1970 and hard links read back as they were', async () => {
  expect(await readBack('f', '', { mtime: -5 })).toMatchObject({ mtime: -5 });
  expect(await readBack('f', 'content', { linkTo: 'g' })).toMatchObject({ type: 'hardlink', linkname: 'g', size: 0 });
});

test('sizes from 8 GiB on stand in the PAX header', () => {
  expect(header('f', { type: 'file', size: 8 * 1024 ** 3 - 1 })).toHaveLength(512);
  expect(header('f', { type: 'file', size: 8 * 1024 ** 3 }).toString('latin1')).toContain('19 size=8589934592\n');
});

test('what fits is one ustar block', () => {
  const block = header('etc/passwd', { content: 'root', mode: 0o644 });
  expect(block).toHaveLength(512);
  expect(block.toString('latin1', 257, 265)).toBe('ustar\x0000');
  expect(block.toString('latin1', 100, 108)).toBe('0000644\0');
  expect(block.toString('latin1', 124, 136)).toBe('00000000004\0');
});

test('padding fills a block', () => {
  expect([0, 1, 511, 512, 513].map((size) => padding(size).length)).toEqual([0, 511, 1, 0, 511]);
});
