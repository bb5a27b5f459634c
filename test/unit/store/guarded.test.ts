import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadChecksum } from '../../../src/util/checksum.ts';
import type { Checksum } from '../../../src/util/checksum.ts';
import { bytesTrailer, sealJson, unsealBytes, unsealJson } from '../../../src/store/guarded.ts';

let checksum: Checksum;
beforeAll(async () => void (checksum = await loadChecksum()));

describe('sealed JSON', () => {
  test('comes back as it was', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const plain: unknown = JSON.parse(JSON.stringify(value));
        expect(unsealJson(sealJson(value, checksum), checksum)).toEqual(plain);
      }),
    );
  });

  test('can be read with cat', () => {
    expect(sealJson({ a: 1 }, checksum).toString()).toMatch(/^\{"a":1\}\nxxh64 [0-9a-f]{16}\n$/);
  });

  test('is absent when any byte is altered, and when cut anywhere', () => {
    const whole = sealJson([{ key: 'value', number: 12 }], checksum);
    for (let offset = 0; offset < whole.length; offset += 1) {
      const altered = Buffer.from(whole);
      altered[offset] = (altered[offset] ?? 0) ^ 1;
      expect([offset, unsealJson(altered, checksum)]).toEqual([offset, undefined]);
      expect([offset, unsealJson(whole.subarray(0, offset), checksum)]).toEqual([offset, undefined]);
    }
  });

  test('refuses what JSON cannot hold', () => {
    expect(() => sealJson(undefined, checksum)).toThrow(TypeError);
  });
});

describe('guarded bytes', () => {
  const seal = (content: Buffer): Buffer => Buffer.concat([content, bytesTrailer(content, checksum)]);

  test('come back as they were, from nothing to more than one piece of the checksum', () => {
    for (const length of [0, 1, 1000, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3_000_000]) {
      const content = Buffer.alloc(length, 'pattern');
      expect(unsealBytes(seal(content), checksum)?.equals(content)).toBe(true);
    }
  });

  test('are absent when any byte is altered, and when cut anywhere', () => {
    const whole = seal(Buffer.from('some content'));
    for (let offset = 0; offset < whole.length; offset += 1) {
      const altered = Buffer.from(whole);
      altered[offset] = (altered[offset] ?? 0) ^ 0x80;
      expect([offset, unsealBytes(altered, checksum)]).toEqual([offset, undefined]);
      expect([offset, unsealBytes(whole.subarray(0, offset), checksum)]).toEqual([offset, undefined]);
    }
  });
});

describe('the checksum', () => {
  test('is xxh64 with seed 0, by the published test vectors', () => {
    expect(checksum([Buffer.alloc(0)])).toBe(0xef46db3751d8e999n);
    expect(checksum([Buffer.from('a')])).toBe(0xd24ec4f1a98c6e5bn);
    expect(checksum([Buffer.from('abc')])).toBe(0x44bc2cf5ad770999n);
  });

  test('is the same however the bytes are cut into parts', () => {
    const bytes = Buffer.alloc(3_500_000, 'abcdefghijk');
    const parts = [bytes.subarray(0, 5), bytes.subarray(5, 2_000_001), bytes.subarray(2_000_001)];
    expect(checksum(parts)).toBe(checksum([bytes]));
    expect(checksum([Buffer.from('ab'), Buffer.from('c')])).toBe(checksum([Buffer.from('abc')]));
  });
});
