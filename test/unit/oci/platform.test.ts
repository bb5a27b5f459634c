import { expect, test } from 'vitest';
import {
  formatPlatform,
  hostPlatform,
  matchPlatform,
  normalizePlatform,
  parsePlatform,
  samePlatform,
} from '../../../src/oci/platform.ts';
import type { Platform } from '../../../src/oci/platform.ts';

test.each([
  ['linux/amd64', 'linux/amd64'],
  ['linux/x86_64', 'linux/amd64'],
  ['Linux/AMD64', 'linux/amd64'],
  ['linux/amd64/v3', 'linux/amd64/v3'],
  ['amd64', 'linux/amd64'],
  ['aarch64', 'linux/arm64'],
  ['linux/arm64/v8', 'linux/arm64'],
  ['linux/arm', 'linux/arm/v7'],
  ['linux/arm/6', 'linux/arm/v6'],
  ['armhf', 'linux/arm/v7'],
  ['armel', 'linux/arm/v6'],
  ['i386', 'linux/386'],
  ['linux', formatPlatform(hostPlatform())],
])('%s means %s', (text, expected) => {
  expect(formatPlatform(parsePlatform(text))).toBe(expected);
});

test.each(['', 'linux/', 'linux/amd65', 'bogus', 'linux/amd64/v2/x', 'linux /amd64', 'bogus/amd64'])(
  '%j is refused as unknown',
  (text) => {
    expect(() => parsePlatform(text)).toThrow(expect.objectContaining({ code: 'TBUILD_USAGE' }));
  },
);

test.each(['windows/amd64', 'darwin', 'freebsd/arm64'])('%s is unsupported', (text) => {
  expect(() => parsePlatform(text)).toThrow(expect.objectContaining({ code: 'TBUILD_UNSUPPORTED' }));
});

const candidates = (...names: (string | undefined)[]): { readonly name: string; readonly platform?: Platform }[] =>
  names.map((name, index) => {
    if (name === undefined) return { name: `none ${index}` };
    const [os = '', architecture = '', variant] = name.split('/');
    return { name, platform: normalizePlatform({ os, architecture, variant }) };
  });

test.each([
  ['linux/amd64', ['linux/arm64', 'linux/amd64'], 'linux/amd64'],
  ['linux/amd64', ['linux/386', 'linux/amd64'], 'linux/amd64'],
  ['linux/amd64', ['linux/arm64', 'linux/386'], 'linux/386'],
  ['linux/amd64/v3', ['linux/amd64', 'linux/amd64/v2', 'linux/amd64/v4'], 'linux/amd64/v2'],
  ['linux/amd64', ['linux/amd64/v2', 'linux/arm64'], undefined],
  ['linux/arm64', ['linux/arm/v7', 'linux/arm64/v8'], 'linux/arm64/v8'],
  ['linux/arm64', ['linux/arm/v6', 'linux/arm/v7'], 'linux/arm/v7'],
  ['linux/arm/v7', ['linux/arm/v8', 'linux/arm/v5', 'linux/arm/v6'], 'linux/arm/v6'],
  ['linux/arm/v6', ['linux/arm/v7'], undefined],
  ['linux/amd64', ['unknown/unknown', 'windows/amd64'], undefined],
  ['linux/amd64', [undefined, 'linux/amd64'], 'linux/amd64'],
  ['linux/amd64', ['linux/arm64', undefined], 'none 1'],
  ['linux/riscv64', ['linux/amd64'], undefined],
])('for %s, of %j it is %s', (wanted, offered, expected) => {
  expect(matchPlatform(candidates(...offered), parsePlatform(wanted))?.name).toBe(expected);
});

test('of two equal candidates the first is chosen', () => {
  const first = { id: 1, platform: { os: 'linux', architecture: 'amd64' } };
  expect(matchPlatform([first, { ...first, id: 2 }], parsePlatform('linux/amd64'))).toBe(first);
});

test('spellings of one platform are the same platform', () => {
  expect(samePlatform({ os: 'linux', architecture: 'aarch64' }, parsePlatform('linux/arm64/v8'))).toBe(true);
  expect(samePlatform({ os: 'linux', architecture: 'arm', variant: 'v6' }, parsePlatform('linux/arm'))).toBe(false);
});
