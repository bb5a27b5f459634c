import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeName, storePaths } from '../../../src/store/paths.ts';

const paths = storePaths('/store');
const hex = 'ab'.repeat(32);

describe('storePaths', () => {
  test('puts things where docs and ls expect them', () => {
    expect(paths.layer(hex)).toBe(`/store/layers/${hex}`);
    expect(paths.blob(`sha256:${hex}`)).toBe(`/store/blobs/sha256/${hex}`);
    expect(paths.records(hex)).toBe(`/store/records/ab/${hex}`);
    expect(paths.imageName('docker.io/library/debian:trixie')).toBe(
      '/store/images/names/docker.io%2Flibrary%2Fdebian%3Atrixie',
    );
  });

  test.each(['', '..', '../../etc/passwd', hex.toUpperCase(), `${hex}0`, `${hex.slice(1)}/`, `${hex}\n`])(
    'refuses %j as an identifier',
    (bad) => {
      expect(() => paths.layer(bad)).toThrow(TypeError);
      expect(() => paths.records(bad)).toThrow(TypeError);
      expect(() => paths.blob(`sha256:${bad}`)).toThrow(TypeError);
    },
  );
});

describe('encodeName', () => {
  test('makes one safe file name of any text, another for every other text', () => {
    const text = fc.oneof(fc.string({ minLength: 1 }), fc.string({ minLength: 150, maxLength: 400, unit: 'binary' }));
    fc.assert(
      fc.property(text, text, (one, other) => {
        const name = encodeName(one);
        expect(name).toMatch(/^[A-Za-z0-9_%-][A-Za-z0-9._%-]*$/);
        expect(name.length).toBeLessThanOrEqual(200);
        expect(encodeName(other) === name).toBe(other === one);
      }),
    );
  });

  test('never makes . or ..', () => {
    expect([encodeName('.'), encodeName('..'), encodeName('a.b')]).toEqual(['%2E', '%2E.', 'a.b']);
  });

  test('keeps long names apart that begin alike', () => {
    const long = 'x'.repeat(250);
    expect(encodeName(`${long}1`)).not.toBe(encodeName(`${long}2`));
  });
});
