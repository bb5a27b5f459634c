import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createFrameBatch, decodeFields, encodeFields, encodeFrame, readFrames } from '../../../src/native/frames.ts';

async function* pieces(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  let at = 0;
  for (let turn = 0; at < bytes.length; turn++) {
    const size = Math.max(1, sizes[turn % Math.max(1, sizes.length)] ?? bytes.length);
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function collect(bytes: Buffer, sizes: readonly number[] = []): Promise<readonly [string, string][]> {
  const frames: [string, string][] = [];
  for await (const { type, payload } of readFrames(pieces(bytes, sizes))) frames.push([type, payload.toString('hex')]);
  return frames;
}

describe('frames', () => {
  test('are length, type, three zeros and payload, little-endian', () => {
    expect(encodeFrame('D', Buffer.from('abc')).toString('hex')).toBe('0300000044000000616263');
    expect(encodeFrame('Z', Buffer.alloc(0)).toString('hex')).toBe('000000005a000000');
  });

  test('are cut out of a stream wherever it is broken', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom('O', 'e', 'L', 'X'), fc.uint8Array({ maxLength: 40 }))),
        fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 }),
        async (frames, sizes) => {
          const bytes = Buffer.concat(frames.map(([type, payload]) => encodeFrame(type, payload)));
          const expected = frames.map(([type, payload]) => [type, Buffer.from(payload).toString('hex')]);
          expect(await collect(bytes, sizes)).toEqual(expected);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('one that the end of the stream cuts short is dropped', async () => {
    const bytes = Buffer.concat([encodeFrame('O', Buffer.from('a')), encodeFrame('O', Buffer.from('bcd'))]);
    expect(await collect(bytes.subarray(0, -1))).toEqual([['O', '61']]);
    expect(await collect(bytes.subarray(0, 12))).toEqual([['O', '61']]);
  });
});

describe('a batch of frames', () => {
  test('is the same bytes as the frames one by one, however small the memory it began with', () => {
    const batch = createFrameBatch(4);
    batch.addFields('E', [['path', 'a\udcff/é']]);
    batch.addBytes('D', Buffer.from('content'));
    batch.addBytes('D', Buffer.alloc(0));
    batch.addFields('Z', []);
    const expected = [
      encodeFrame('E', encodeFields([['path', 'a\udcff/é']])),
      encodeFrame('D', Buffer.from('content')),
      encodeFrame('D', Buffer.alloc(0)),
      encodeFrame('Z', Buffer.alloc(0)),
    ];
    expect(batch.length).toBe(Buffer.concat(expected).length);
    expect(batch.take()).toEqual(Buffer.concat(expected));
    expect(batch.length).toBe(0);
  });
});

describe('fields', () => {
  test('hold any bytes but NUL, and equals signs in values', () => {
    const fields = [
      ['path', 'a\udcff=b'],
      ['empty', ''],
      ['é', '\n'],
    ] as const;
    expect(decodeFields(encodeFields(fields))).toEqual(new Map(fields));
    expect(encodeFields([['path', 'a\udcff']]).toString('latin1')).toBe('path=a\xff\0');
  });

  test('may repeat on the way to the helper, where order counts', () => {
    expect(
      encodeFields([
        ['layer', '2'],
        ['layer', '1'],
      ]).toString(),
    ).toBe('layer=2\0layer=1\0');
  });

  test('with a NUL are a mistake of the caller: they would become two', () => {
    expect(() => encodeFields([['path', 'a\0uid=0']])).toThrow('the value of path holds a NUL character');
  });
});
