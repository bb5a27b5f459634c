import { expect, test } from 'vitest';
import { digestFromHex, digestHex, digestOf, isDigest, parseDigest } from '../../../src/oci/digest.ts';

const empty = 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

test('a digest names bytes by their sha256', () => {
  expect(digestOf('')).toBe(empty);
  expect(digestOf(new Uint8Array())).toBe(empty);
  expect(digestFromHex(digestHex(digestOf('')))).toBe(empty);
});

test.each([
  ['upper case', empty.toUpperCase()],
  ['too short', empty.slice(0, -1)],
  ['a path', `sha256:${'../'.repeat(21)}a`],
  ['a line break at the end', `${empty}\n`],
  ['bare hex', empty.slice(7)],
  ['a number', 7],
  ['nothing', undefined],
])('%s is no digest', (_name, value) => {
  expect(isDigest(value)).toBe(false);
  expect(() => parseDigest(value, 'layer')).toThrow(expect.objectContaining({ code: 'TBUILD_MANIFEST' }));
});

test('another algorithm is named as unsupported', () => {
  expect(() => parseDigest(`sha512:${'a'.repeat(128)}`)).toThrow(
    expect.objectContaining({ code: 'TBUILD_UNSUPPORTED', message: expect.stringContaining('sha512') }),
  );
});
