import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseElf } from '../../../src/demo/elf.ts';
import { makeElf } from '../../helpers/elf.ts';

describe('parseElf', () => {
  test('reads interpreter, needed libraries in order, and search paths', () => {
    const file = makeElf({
      interpreter: '/lib/ld.so',
      needed: ['libb.so.1', 'liba.so.2'],
      rpath: '/r',
      runpath: '$ORIGIN/../lib:/opt/lib:',
    });
    expect(parseElf(file)).toEqual({
      machine: 62,
      interpreter: '/lib/ld.so',
      needed: ['libb.so.1', 'liba.so.2'],
      rpath: ['/r'],
      runpath: ['$ORIGIN/../lib', '/opt/lib'],
    });
  });

  test('a static program has neither interpreter nor libraries', () => {
    expect(parseElf(makeElf({}))).toEqual({ machine: 62, interpreter: undefined, needed: [], rpath: [], runpath: [] });
  });

  test('reads the very program that runs this test', () => {
    const headers = parseElf(readFileSync(process.execPath));
    expect(headers?.machine).toBe(process.arch === 'x64' ? 62 : 183);
    expect(headers?.needed.length).toBeGreaterThan(0);
    expect(headers?.interpreter).toMatch(/^\/.*ld-/);
  });

  test.each([
    ['a script', Buffer.from('#!/bin/sh\n'.padEnd(100))],
    ['an empty file', Buffer.alloc(0)],
    ['a 32-bit program', Buffer.concat([Buffer.from('\x7fELF\x01\x01', 'latin1'), Buffer.alloc(100)])],
    ['a big-endian program', Buffer.concat([Buffer.from('\x7fELF\x02\x02', 'latin1'), Buffer.alloc(100)])],
  ])('is undefined for %s', (_title, file) => {
    expect(parseElf(file)).toBeUndefined();
  });

  test('never throws, wherever the file is cut or damaged', () => {
    const whole = makeElf({ interpreter: '/lib/ld.so', needed: ['libc.so.6'], runpath: '/lib' });
    for (let length = 0; length < whole.length; length++) {
      expect(() => parseElf(whole.subarray(0, length))).not.toThrow();
    }
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, byte) => {
        const damaged = Buffer.from(whole);
        damaged[at] = byte;
        expect(() => parseElf(damaged)).not.toThrow();
      }),
    );
  });
});
