import { expect, test } from 'vitest';
import { canonicalJson } from '../../../src/oci/canonical-json.ts';

test('the order in which members were added does not show', () => {
  expect(canonicalJson({ b: [{ y: 1, x: 2 }], a: null })).toBe('{"a":null,"b":[{"x":2,"y":1}]}');
  expect(canonicalJson({ a: null, b: [{ x: 2, y: 1 }] })).toBe(canonicalJson({ b: [{ y: 1, x: 2 }], a: null }));
});

test('lists keep their order and undefined members are left out', () => {
  expect(canonicalJson({ a: undefined, list: ['b', 'a'] })).toBe('{"list":["b","a"]}');
});
