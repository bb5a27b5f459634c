import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { programClosure } from '../../../src/demo/loader.ts';
import { parseLoaderCache } from '../../../src/demo/loader-cache.ts';
import { makeElf } from '../../helpers/elf.ts';
import { writeTree } from '../../helpers/tree.ts';
import type { Tree } from '../../helpers/tree.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tbuild-loader-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const glibc = '/lib64/ld-linux-x86-64.so.2';
const musl = '/lib/ld-musl-x86_64.so.1';

/** The files of the program's closure without program and interpreter. */
function libraries(interpreter: string, program: Parameters<typeof makeElf>[0], tree: Tree): string[] {
  writeTree(root, { [interpreter]: makeElf({}), 'bin/p': makeElf({ interpreter, ...program }), ...tree });
  const closure = programClosure(root, '/bin/p');
  if (!closure.complete) throw new Error(closure.reason);
  return [...closure.files].filter((path) => path !== '/bin/p' && path !== interpreter).toSorted();
}

describe("glibc's rules", () => {
  test('RUNPATH before the cache before the default directories', () => {
    const all = {
      'opt/liba.so': makeElf({}),
      'cached/liba.so': makeElf({}),
      'lib/liba.so': makeElf({}),
      'cached/libb.so': makeElf({}),
      'lib/libb.so': makeElf({}),
      'usr/lib/libc.so': makeElf({}),
      'etc/ld.so.cache': makeCache({ 'liba.so': '/cached/liba.so', 'libb.so': '/cached/libb.so' }),
    };
    expect(libraries(glibc, { needed: ['liba.so', 'libb.so', 'libc.so'], runpath: '/opt' }, all)).toEqual([
      '/cached/libb.so',
      '/opt/liba.so',
      '/usr/lib/libc.so',
    ]);
  });

  test('$ORIGIN is the directory of the object that says it', () => {
    const tree = {
      'lib/x/liba.so': makeElf({ needed: ['libb.so'], runpath: '${ORIGIN}/deep' }),
      'lib/x/deep/libb.so': makeElf({}),
    };
    expect(libraries(glibc, { needed: ['liba.so'], runpath: '$ORIGIN/../lib/x' }, tree)).toEqual([
      '/lib/x/deep/libb.so',
      '/lib/x/liba.so',
    ]);
  });

  test('RPATH reaches the libraries of libraries, RUNPATH does not', () => {
    const tree = { 'opt/liba.so': makeElf({ needed: ['libb.so'] }), 'opt/libb.so': makeElf({}) };
    expect(libraries(glibc, { needed: ['liba.so'], rpath: '/opt' }, tree)).toEqual(['/opt/liba.so', '/opt/libb.so']);
    expect(() => libraries(glibc, { needed: ['liba.so'], runpath: '/opt' }, {})).toThrow(
      '/opt/liba.so needs libb.so, which is nowhere',
    );
  });

  test("passes over another machine's library of the same name", () => {
    const tree = { 'opt/liba.so': makeElf({ machine: 183 }), 'lib/liba.so': makeElf({}) };
    expect(libraries(glibc, { needed: ['liba.so'], runpath: '/opt' }, tree)).toEqual(['/lib/liba.so']);
  });

  test('takes every build that the cache offers for different processors', () => {
    const cache = makeCache({ 'liba.so': '/lib/glibc-hwcaps/x86-64-v3/liba.so' }, { 'liba.so': '/lib/liba.so' });
    const tree = { 'lib/liba.so': makeElf({}), 'lib/glibc-hwcaps/x86-64-v3/liba.so': makeElf({}) };
    expect(libraries(glibc, { needed: ['liba.so'] }, { ...tree, 'etc/ld.so.cache': cache })).toEqual([
      '/lib/glibc-hwcaps/x86-64-v3/liba.so',
      '/lib/liba.so',
    ]);
  });

  test('libraries that need each other end', () => {
    const tree = { 'lib/liba.so': makeElf({ needed: ['libb.so'] }), 'lib/libb.so': makeElf({ needed: ['liba.so'] }) };
    expect(libraries(glibc, { needed: ['liba.so'] }, tree)).toEqual(['/lib/liba.so', '/lib/libb.so']);
  });
});

describe("musl's rules", () => {
  test("the path file's directories, and libc is the loader itself", () => {
    const tree = { 'etc/ld-musl-x86_64.path': '/x\n/y', 'y/liba.so': makeElf({}), 'lib/liba.so': makeElf({}) };
    expect(libraries(musl, { needed: ['liba.so', 'libc.musl-x86_64.so.1'] }, tree)).toEqual(['/y/liba.so']);
  });

  test('without it /lib, /usr/local/lib, /usr/lib; the cache of glibc plays no part', () => {
    const cache = makeCache({ 'liba.so': '/cached/liba.so' });
    const tree = { 'usr/lib/liba.so': makeElf({}), 'cached/liba.so': makeElf({}), 'etc/ld.so.cache': cache };
    expect(libraries(musl, { needed: ['liba.so'] }, tree)).toEqual(['/usr/lib/liba.so']);
  });

  test('RUNPATH reaches the libraries of libraries', () => {
    const tree = { 'opt/liba.so': makeElf({ needed: ['libb.so'] }), 'opt/libb.so': makeElf({}) };
    expect(libraries(musl, { needed: ['liba.so'], runpath: '/opt' }, tree)).toEqual(['/opt/liba.so', '/opt/libb.so']);
  });
});

test('a static program needs itself alone', () => {
  writeTree(root, { 'bin/p': makeElf({}) });
  expect(programClosure(root, '/bin/p')).toEqual({ complete: true, files: new Set(['/bin/p']) });
});

test.each([
  ['/bin/script', '/bin/script is not a 64-bit ELF program'],
  ['/bin/lost', `/bin/lost needs ${glibc}`],
])('%s has no closure, and the reason says why', (path, reason) => {
  writeTree(root, { 'bin/script': '#!/bin/sh', 'bin/lost': makeElf({ interpreter: glibc }) });
  expect(programClosure(root, path)).toEqual({ complete: false, reason });
});

describe('parseLoaderCache', () => {
  test('finds the current format behind the older one', () => {
    const old = Buffer.alloc(64, 'ld.so-1.7.0');
    const cache = Buffer.concat([old, makeCache({ 'liba.so': '/lib/liba.so' })]);
    expect(parseLoaderCache(cache)).toEqual(new Map([['liba.so', ['/lib/liba.so']]]));
  });

  test('never throws, wherever the file is cut', () => {
    const whole = makeCache({ 'liba.so': '/lib/liba.so' });
    for (let length = 0; length <= whole.length; length++) {
      expect(() => parseLoaderCache(whole.subarray(0, length))).not.toThrow();
    }
  });
});

/** An ld.so.cache; several records, so that a name can occur twice. */
function makeCache(...records: readonly Readonly<Record<string, string>>[]): Buffer {
  const pairs = records.flatMap((record) => Object.entries(record));
  const header = Buffer.alloc(48);
  header.write('glibc-ld.so.cache1.1');
  header.writeUInt32LE(pairs.length, 20);
  const entries = Buffer.alloc(pairs.length * 24);
  const strings: Buffer[] = [];
  let offset = header.length + entries.length;
  for (const [index, pair] of pairs.entries()) {
    for (const [column, text] of pair.entries()) {
      entries.writeUInt32LE(offset, index * 24 + 4 + column * 4);
      strings.push(Buffer.from(`${text}\0`));
      offset += Buffer.byteLength(text) + 1;
    }
  }
  return Buffer.concat([header, entries, ...strings]);
}
