import { expect, test } from 'vitest';
import { parseLayoutReference } from '../../../src/image/oci-layout.ts';

const digest = `sha256:${'c'.repeat(64)}`;

test.each([
  ['path', { path: 'path' }],
  ['/a/b', { path: '/a/b' }],
  ['/a/b:v1', { path: '/a/b', tag: 'v1' }],
  ['../a:latest', { path: '../a', tag: 'latest' }],
  ['/a:b/c', { path: '/a:b/c' }],
  ['/a@b/c', { path: '/a@b/c' }],
  [`/a@${digest}`, { path: '/a', digest }],
])('reads %s', (text, expected) => {
  expect(parseLayoutReference(text)).toEqual({ tag: undefined, digest: undefined, ...expected });
});

test.each(['', `@${digest}`, '/a@sha256:abc', '/a@v1'])('refuses %j', (text) => {
  expect(() => parseLayoutReference(text)).toThrow(expect.objectContaining({ code: 'TBUILD_REFERENCE' }));
});
