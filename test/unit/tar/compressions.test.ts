import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isTbuildError } from '../../../src/errors.ts';
import { decompress, detectCompression } from '../../../src/tar/decompress.ts';
import type { Compression } from '../../../src/tar/decompress.ts';
import { lacks } from '../../helpers/capabilities.ts';

async function* chunks(bytes: Uint8Array, size = 65_536): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}

async function unpack(bytes: Uint8Array, size?: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of decompress(chunks(bytes, size))) parts.push(part);
  return Buffer.concat(parts);
}

const text = 'hello '.repeat(1000);
/** Of bzip2 1.0.8, xz 5.4 and zstd 1.5. */
const samples: Readonly<Record<'bzip2' | 'xz' | 'zstd', Buffer>> = {
  bzip2: Buffer.from('QlpoOTFBWSZTWaOjbkcABduRAEAAAkSgAFBmgE1UY2pBlSD9SDKkG1SDhdyRThQkKOjbkcA=', 'base64'),
  xz: Buffer.from(
    '/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4BdvACddADQZSe6N6V/B8PcXRFCFYsMIgtxhE2Az4ZG1aVMlHrpxT6vr+2SMAAAApDhnPLRAo+gAAUPwLgAAAE8kQEKxxGf7AgAAAAAEWVo=',
    'base64',
  ),
  zstd: Buffer.from('KLUv/WRwFnUAADBoZWxsbyABAGeXvhQBBgP1uw==', 'base64'),
};
const cases = Object.entries(samples) as [Exclude<Compression, 'none'>, Buffer][];

test.each(cases)('%s is recognised by content, in pieces of any size', async (name, bytes) => {
  expect(detectCompression(bytes)).toBe(name);
  for (const size of [1, 3, 64, 100_000]) expect((await unpack(bytes, size)).toString()).toBe(text);
});

test.each(cases)('%s: members behind each other are one stream, and zeros at the end are padding', async (_, bytes) => {
  expect((await unpack(Buffer.concat([bytes, bytes, Buffer.alloc(512)]))).toString()).toBe(text + text);
});

test.each(cases)('%s that is cut off anywhere is refused', async (_, bytes) => {
  for (let length = 6; length < bytes.length; length++) {
    await expect(unpack(bytes.subarray(0, length)), `${length} bytes`).rejects.toMatchObject({
      code: 'TBUILD_ARCHIVE',
    });
  }
});

test.each(cases)('%s that is followed by other bytes is refused', async (_, bytes) => {
  const followed = Buffer.concat([bytes, Buffer.from('and more, which is not of it')]);
  await expect(unpack(followed)).rejects.toMatchObject({ code: 'TBUILD_ARCHIVE' });
});

test.each(cases)('%s: the source is closed, however its reading ends', async (_, bytes) => {
  const damaged = Buffer.concat([bytes.subarray(0, 30), Buffer.alloc(20, 0x55), bytes.subarray(50)]);
  const followed = Buffer.concat([bytes, Buffer.alloc(1000, 'g')]);
  for (const each of [bytes, bytes.subarray(0, 30), damaged, followed]) {
    for (const take of [1, Number.POSITIVE_INFINITY]) {
      let closed = 0;
      async function* source(): AsyncGenerator<Uint8Array> {
        try {
          yield* chunks(each, 10);
        } finally {
          closed++;
        }
      }
      await readSome(decompress(source()), take).catch(() => undefined);
      expect(closed).toBe(1);
    }
  }
});

async function readSome(stream: AsyncIterable<Uint8Array>, count: number): Promise<void> {
  let taken = 0;
  for await (const _ of stream) if (++taken === count) return;
}

test.each(cases)(
  '%s: no change of its bytes makes anything but the same content or a coded error',
  async (_, bytes) => {
    const change = fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const changed = Buffer.from(bytes);
        for (const [at, mask] of changes) changed[at] = (changed[at] ?? 0) ^ mask;
        if (detectCompression(changed) === 'none') return;
        try {
          expect((await unpack(changed)).toString()).toBe(text);
        } catch (error) {
          expect(
            isTbuildError(error, 'TBUILD_ARCHIVE') || isTbuildError(error, 'TBUILD_UNSUPPORTED'),
            String(error),
          ).toBe(true);
        }
      }),
      { numRuns: 400 },
    );
  },
);

test.each(cases)('%s: noise behind a right beginning makes a coded error', async (_, bytes) => {
  await fc.assert(
    fc.asyncProperty(fc.nat(40), fc.uint8Array({ minLength: 40, maxLength: 400 }), async (kept, noise) => {
      await expect(unpack(Buffer.concat([bytes.subarray(0, Math.max(6, kept)), noise]))).rejects.toMatchObject({
        code: expect.stringMatching(/^TBUILD_(?:ARCHIVE|UNSUPPORTED)$/),
      });
    }),
    { numRuns: 200 },
  );
});

test.each(cases)('%s: an error of the source comes out as it is', async (_, bytes) => {
  const failure = new Error('network');
  async function* source(): AsyncGenerator<Uint8Array> {
    yield bytes.subarray(0, 20);
    throw failure;
  }
  await expect(async () => {
    for await (const part of decompress(source())) expect(part.length).toBeGreaterThan(0);
  }).rejects.toBe(failure);
});

test.each(cases)('%s: breaking off closes the source, which is not read ahead without bound', async (_, bytes) => {
  let isClosed = false;
  let pulled = 0;
  async function* source(): AsyncGenerator<Uint8Array> {
    try {
      // 2 MiB are the most that a decoder looks ahead.
      for (const many = Buffer.concat(Array.from({ length: 1000 }, () => bytes)); ; pulled += many.length) yield many;
    } finally {
      isClosed = true;
    }
  }
  for await (const part of decompress(source())) if (part.length > 0) break;
  expect(isClosed).toBe(true);
  expect(pulled).toBeLessThan(2 * 1024 * 1024);
});

test('zstd: skippable frames are passed over, also in front', async () => {
  const skippable = Buffer.concat([Buffer.from([0x53, 0x2a, 0x4d, 0x18, 4, 0, 0, 0]), Buffer.from('note')]);
  const framed = Buffer.concat([skippable, samples.zstd, skippable, samples.zstd, skippable]);
  expect((await unpack(framed)).toString()).toBe(text + text);
});

test('zstd whose checksum is wrong is refused', async () => {
  const wrong = Buffer.from(samples.zstd);
  wrong[wrong.length - 1] = (wrong.at(-1) ?? 0) ^ 1;
  await expect(unpack(wrong)).rejects.toMatchObject({ code: 'TBUILD_ARCHIVE' });
});

test('xz streams that are read side by side do not disturb each other', async () => {
  const contents = await Promise.all(Array.from({ length: 5 }, () => unpack(samples.xz, 7)));
  expect(contents.map(String)).toEqual(Array.from({ length: 5 }, () => text));
});

describe('what the programs write is read back', () => {
  const content = varied(400_000);
  const variants: Readonly<Record<string, readonly (readonly string[])[]>> = {
    bzip2: [['-1'], ['-9']],
    xz: [['-0'], ['-9e'], ['--check=crc32'], ['--check=none'], ['--block-size=50000', '-T2']],
    zstd: [['-1'], ['-19', '--no-check'], ['-3', '--long=24'], ['--fast=5']],
  };
  for (const [program, options] of Object.entries(variants)) {
    test.skipIf(lacks(`tool:${program}`)).each(options.map((each) => [each]))(`${program} %j`, async (words) => {
      const pack = (input: Buffer): Buffer =>
        execFileSync(program, [...words, '-c'], { input, stdio: ['pipe', 'pipe', 'ignore'], maxBuffer: 2 ** 26 });
      for (const input of [content, Buffer.alloc(0), Buffer.from('x'), Buffer.alloc(3_000_000)]) {
        expect((await unpack(pack(input), 30_000)).equals(input)).toBe(true);
      }
    });
  }
});

/** Words, noise, and runs of every length to 700: each part of a coder has something to do. */
function varied(size: number): Buffer {
  let seed = 12_345;
  const random = (limit: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (seed >>> 8) % limit;
  };
  const words = Array.from({ length: 300 }, () => random(2 ** 22).toString(36));
  const parts: Buffer[] = [];
  for (let length = 0, run = 0; length < size;) {
    const kind = random(10);
    const part =
      kind < 7
        ? Buffer.from(`${words[random(300)]} `.repeat(1 + random(3)))
        : kind < 9
          ? Buffer.alloc(1 + (run++ % 700), random(256))
          : Buffer.from(Array.from({ length: 100 }, () => random(256)));
    parts.push(part);
    length += part.length;
  }
  return Buffer.concat(parts);
}
