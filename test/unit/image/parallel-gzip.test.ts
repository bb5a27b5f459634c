import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { gzipInParallel } from '../../../src/image/parallel-gzip.ts';

const megabyte = 1 << 20;
const text = Buffer.from(Array.from({ length: 400_000 }, (_, index) => `line ${index}\n`).join(''));
const noise = pseudoRandom(3 * megabyte + 5);

describe('gzip in parallel', () => {
  test.each([
    ['nothing', Buffer.alloc(0)],
    ['one byte', Buffer.from('x')],
    ['text of several blocks', text],
    ['exactly one block', text.subarray(0, megabyte)],
    ['what does not shrink', noise],
    ['noise with text behind it in one block', Buffer.concat([noise.subarray(0, 600_000), text.subarray(0, megabyte)])],
    ['noise between blocks of text', Buffer.concat([text.subarray(0, megabyte), noise, text])],
  ])('gives %s back', async (_, bytes) => {
    const packed = await pack([bytes]);
    expect(gunzipSync(packed).equals(bytes)).toBe(true);
    expect(packed.length).toBeLessThan(bytes.length * 1.0002 + 40);
  });

  test('is nearly as small as gzip', async () => {
    expect((await pack([text])).length).toBeLessThan(gzipSync(text, { level: 6 }).length * 1.01);
  });

  test('gives the same bytes however the input is cut and whatever runs beside it', async () => {
    const bytes = Buffer.concat([text, noise, text]);
    const pieces: Buffer[] = [];
    for (let start = 0, length = 1; start < bytes.length; start += length, length = ((length * 7) % 99_991) + 1) {
      pieces.push(bytes.subarray(start, start + length));
    }
    const whole = await pack([bytes], 1);
    expect((await pack(pieces, 7)).equals(whole)).toBe(true);
  });

  test('keeps what it was given although the memory is used again', async () => {
    const shared = Buffer.alloc(megabyte / 2);
    const reusing = async function* (): AsyncGenerator<Buffer> {
      for (let round = 0; round < 6; round++) yield shared.fill(65 + round);
    };
    const packed = await collect(gzipInParallel(reusing()));
    const expected = Buffer.concat(Array.from({ length: 6 }, (_, round) => Buffer.alloc(megabyte / 2, 65 + round)));
    expect(gunzipSync(packed).equals(expected)).toBe(true);
  });

  test('fails as its input fails', async () => {
    const failing = async function* (): AsyncGenerator<Buffer> {
      yield text;
      throw new Error('the source broke');
    };
    await expect(collect(gzipInParallel(failing()))).rejects.toThrow('the source broke');
  });
});

function pack(pieces: readonly Buffer[], parallelism?: number): Promise<Buffer> {
  const source = async function* (): AsyncGenerator<Buffer> {
    yield* pieces;
  };
  return collect(gzipInParallel(source(), { parallelism }));
}

async function collect(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const chunk of chunks) parts.push(Buffer.from(chunk));
  return Buffer.concat(parts);
}

function pseudoRandom(size: number): Buffer {
  const parts: Buffer[] = [];
  for (let index = 0; index * 32 < size; index++) parts.push(createHash('sha256').update(String(index)).digest());
  return Buffer.concat(parts).subarray(0, size);
}
