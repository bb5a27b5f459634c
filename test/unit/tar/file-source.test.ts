import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, describe, expect, test } from 'vitest';
import { directory, file, symlink } from '../../../fixtures/layers/layer-case.ts';
import { gnuLong, tarOf } from '../../../fixtures/layers/tar-bytes.ts';
import { fileSource } from '../../../src/tar/file-source.ts';
import { readTar } from '../../../src/tar/read-tar.ts';
import type { TarEntry } from '../../../src/tar/read-tar.ts';

const root = mkdtempSync(join(tmpdir(), 'tbuild-file-source-'));
afterAll(() => rmSync(root, { recursive: true }));

async function withFile<T>(content: Buffer, body: (file: FileHandle, size: number) => Promise<T>): Promise<T> {
  const path = join(root, 'archive');
  writeFileSync(path, content);
  const handle = await open(path);
  try {
    return await body(handle, content.length);
  } finally {
    await handle.close();
  }
}

async function entriesOf(archive: Parameters<typeof readTar>[0], withContent: boolean): Promise<readonly object[]> {
  const entries: object[] = [];
  for await (const entry of readTar(archive)) {
    const { content, ...rest } = entry;
    entries.push(withContent ? { ...rest, content: await text(content) } : rest);
  }
  return entries;
}

async function text(content: TarEntry['content']): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of content) parts.push(part);
  return Buffer.concat(parts).toString('latin1');
}

const long = 'n'.repeat(150);
const archive = tarOf(
  directory('d'),
  file('small', 'content'),
  gnuLong('L', long),
  file('x', 'y'.repeat(40_000)),
  symlink('l', 'small'),
  { name: 'pax', content: 'z'.repeat(513), pax: { path: `p/${long}` } },
  file('empty', ''),
  file('large', 'L'.repeat(700_000)),
);

describe('a tar in a file', () => {
  test.each([true, false])('has the entries that it has as a stream (contents read: %s)', async (withContent) => {
    const streamed = await entriesOf(Readable.from([archive]), withContent);
    const fromFile = await withFile(archive, (handle, size) => entriesOf(fileSource(handle, size), withContent));
    expect(fromFile).toEqual(streamed);
    expect(streamed).toHaveLength(7);
  });

  test('says where each content begins', async () => {
    await withFile(archive, async (handle, size) => {
      for await (const { path, offset, size: length } of readTar(fileSource(handle, size))) {
        if (length === 0) continue;
        const found = archive.toString('latin1', offset, offset + length);
        expect(new Set(found), path).toEqual(new Set(found[0] === 'c' ? 'content' : (found[0] ?? '')));
      }
    });
  });

  test('is listed by its headers: contents are not read', async () => {
    const large = tarOf(
      file('one', Buffer.alloc(8_000_000).toString()),
      file('two', Buffer.alloc(8_000_000).toString()),
    );
    await withFile(large, async (handle, size) => {
      let bytes = 0;
      const counting = {
        read: async (buffer: Buffer, offset: number, length: number, position: number) => {
          const result = await handle.read(buffer, offset, length, position);
          bytes += result.bytesRead;
          return result;
        },
      } as unknown as FileHandle;
      expect(await entriesOf(fileSource(counting, size), false)).toHaveLength(2);
      expect(bytes).toBeLessThan(100_000);
    });
  });

  test.each([
    ['in a header', 700],
    ['in a content', 1024 + 512 + 512 + 100],
    ['in a large content', archive.length - 10_000],
  ])('that ends %s is refused', async (_, length) => {
    const cut = archive.subarray(0, length);
    const reading = withFile(cut, (handle, size) => entriesOf(fileSource(handle, size), false));
    await expect(reading).rejects.toMatchObject({ code: 'TBUILD_ARCHIVE' });
  });

  test('that has become shorter since it was measured is refused', async () => {
    const reading = withFile(archive.subarray(0, 100_000), (handle) =>
      entriesOf(fileSource(handle, archive.length), true),
    );
    await expect(reading).rejects.toMatchObject({ code: 'TBUILD_ARCHIVE' });
  });
});
