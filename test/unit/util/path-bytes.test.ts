import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodePathBytes, encodePathBytes } from '../../../src/util/path-bytes.ts';

describe('paths as strings', () => {
  test('any bytes come back as they were', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const given = Buffer.from(bytes);
        expect(encodePathBytes(decodePathBytes(given)).equals(given)).toBe(true);
      }),
    );
  });

  // fast-check prepares its tables of all code points first, which takes seconds.
  test('any well-formed text is its UTF-8', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (text) => {
        expect(encodePathBytes(text)).toEqual(Buffer.from(text));
        expect(decodePathBytes(Buffer.from(text))).toBe(text);
      }),
    );
  });

  test.each([
    ['a byte that starts nothing', [0x61, 0xff, 0x62], 'a\udcffb'],
    ['a sequence cut short', [0xe2, 0x82], '\udce2\udc82'],
    ['a slash in Latin-1 text', [0xe9, 0x2f, 0x61], '\udce9/a'],
    ['a surrogate written in UTF-8', [0xed, 0xb2, 0x80], '\udced\udcb2\udc80'],
    ['text beside bytes that are none', [0xc3, 0xa9, 0xc3], 'é\udcc3'],
  ])('%s is kept apart from valid text', (_name, bytes, text) => {
    expect(decodePathBytes(Buffer.from(bytes))).toBe(text);
    expect(encodePathBytes(text)).toEqual(Buffer.from(bytes));
  });
});
