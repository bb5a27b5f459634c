import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isTbuildError } from '../../../src/errors.ts';
import { maxConfigSize, parseImageConfig } from '../../../src/oci/config.ts';

const digest = `sha256:${'0'.repeat(64)}`;
const minimal = { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [digest] } };
const parse = (document: unknown): unknown => parseImageConfig(Buffer.from(JSON.stringify(document)));

test("docker's extensions and members that nobody knows are kept", () => {
  const document = {
    ...minimal,
    'os.version': '1',
    'moby.buildkit.cache.v0': 'x',
    config: {
      Env: ['PATH=/bin'],
      Healthcheck: { Test: ['CMD-SHELL', 'true'], Interval: 30_000_000_000, Retries: 3 },
      OnBuild: ['COPY . /app'],
      Shell: ['/bin/sh', '-c'],
      ArgsEscaped: true,
      Labels: { a: 'b', __proto__x: 'c' },
      Domainname: '',
    },
    history: [{ created: '2020-01-01T00:00:00Z', created_by: 'x', empty_layer: true }],
  };
  expect(parse(document)).toEqual(document);
});

test('null members are dropped, as docker reads them', () => {
  expect(parse({ ...minimal, author: null, config: { Cmd: null, Env: null, Volumes: null }, history: null })).toEqual({
    ...minimal,
    config: {},
  });
});

test('a label called __proto__ is a label', () => {
  const bytes = Buffer.from(
    JSON.stringify({ ...minimal, config: { Labels: {} } }).replace('"Labels":{}', '"Labels":{"__proto__":"x"}'),
  );
  const labels = parseImageConfig(bytes).config?.Labels ?? {};
  expect(Object.entries(labels)).toEqual([['__proto__', 'x']]);
  expect(Object.getPrototypeOf(labels)).toBe(Object.prototype);
});

test.each<[string, unknown]>([
  ['no rootfs', { ...minimal, rootfs: undefined }],
  ['no architecture', { ...minimal, architecture: '' }],
  ['a malformed diffID', { ...minimal, rootfs: { type: 'layers', diff_ids: ['sha256:x'] } }],
  ['another kind of rootfs', { ...minimal, rootfs: { type: 'x', diff_ids: [] } }],
  ['Env that is no list', { ...minimal, config: { Env: 'A=B' } }],
  ['a NUL in Env', { ...minimal, config: { Env: ['A=\0'] } }],
  ['a number in Cmd', { ...minimal, config: { Cmd: [1] } }],
  ['a label that is an object', { ...minimal, config: { Labels: { a: {} } } }],
  ['history that is an object', { ...minimal, history: {} }],
])('%s is refused', (_name, document) => {
  expect(() => parse(document)).toThrow(expect.objectContaining({ code: 'TBUILD_MANIFEST' }));
});

test('an image for Windows is unsupported', () => {
  expect(() => parse({ ...minimal, os: 'windows' })).toThrow(expect.objectContaining({ code: 'TBUILD_UNSUPPORTED' }));
});

test('a config over 8 MiB is refused', () => {
  expect(() => parseImageConfig(Buffer.alloc(maxConfigSize + 1))).toThrow(/8 MiB/);
});

test('whatever the bytes are, the only failure is a coded one', () => {
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
      try {
        parseImageConfig(Buffer.from(text));
      } catch (error) {
        expect(isTbuildError(error)).toBe(true);
      }
    }),
  );
});
