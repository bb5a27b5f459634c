import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { collectBaseImage, staticBaseImage } from '../../../src/demo/base-image.ts';
import { writeTar } from '../../../src/demo/tar-writer.ts';
import { makeElf } from '../../helpers/elf.ts';
import { writeTree } from '../../helpers/tree.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tbuild-base-'));
});
afterEach(() => rmSync(root, { recursive: true }));

describe('collectBaseImage', () => {
  test('takes a program to its own path, with the symlinks of a merged /usr', () => {
    const interpreter = '/lib64/ld-linux-x86-64.so.2';
    writeTree(root, {
      bin: { link: 'usr/bin' },
      lib64: { link: 'usr/lib64' },
      'usr/bin/sh': { link: 'dash' },
      'usr/bin/dash': makeElf({ interpreter }),
      'usr/lib64/ld-linux-x86-64.so.2': makeElf({}),
      'usr/bin/unrelated': 'x',
    });
    const { entries, programs, leftOut } = collectBaseImage(root, ['sh']);
    expect(programs).toEqual(['/usr/bin/sh']);
    expect(leftOut).toEqual([]);
    const links = entries.filter(({ link }) => link !== undefined).map(({ path, link }) => `${path} → ${link}`);
    expect(links.toSorted()).toEqual(['bin → usr/bin', 'lib64 → usr/lib64', 'usr/bin/sh → dash']);
    const paths = entries.map(({ path }) => path);
    expect(paths).toContain('usr/lib64/ld-linux-x86-64.so.2');
    expect(paths).toContain('etc/os-release');
    expect(paths).not.toContain('usr/bin/unrelated');
    expect(new Set(paths).size).toBe(paths.length);
  });

  test('a directory precedes what is in it', () => {
    writeTree(root, { 'usr/bin/ls': makeElf({}) });
    const paths = collectBaseImage(root, ['ls']).entries.map(({ path }) => path);
    expect(paths.indexOf('usr')).toBeLessThan(paths.indexOf('usr/bin'));
    expect(paths.indexOf('usr/bin')).toBeLessThan(paths.indexOf('usr/bin/ls'));
  });

  test('says of each program that is left out why', () => {
    writeTree(root, { 'bin/ls': '#!/bin/sh\n' });
    const { programs, leftOut } = collectBaseImage(root, ['ls', 'cat']);
    expect(programs).toEqual([]);
    expect(leftOut).toEqual(['/bin/ls is not a 64-bit ELF program', 'there is no cat']);
  });

  test('this machine has a shell to give', () => {
    const { programs, leftOut } = collectBaseImage('/', ['sh']);
    expect(leftOut).toEqual([]);
    expect(programs).toHaveLength(1);
  });
});

test('the static base image gives every applet a name', () => {
  const { entries } = staticBaseImage(Buffer.from('program'), ['sh', 'cat']);
  expect(entries).toContainEqual({ path: 'bin/cat', mode: 0o777, link: 'init' });
  expect(entries).toContainEqual({ path: 'bin/init', mode: 0o755, content: Buffer.from('program') });
});

describe('writeTar', () => {
  test('tar reads back names, kinds, modes, targets and contents', () => {
    const deep = `${'d'.repeat(90)}/${'e'.repeat(90)}`;
    const tar = Buffer.concat([
      ...writeTar([
        { path: 'tmp', mode: 0o1777 },
        { path: 'tmp/file', mode: 0o755, content: Buffer.from('0123456789'.repeat(60)) },
        { path: 'tmp/empty', mode: 0o644, content: Buffer.alloc(0) },
        { path: 'sh', mode: 0o777, link: 'tmp/file' },
        { path: deep, mode: 0o644, content: Buffer.from('deep') },
      ]),
    ]);
    const listing = execFileSync('tar', ['--numeric-owner', '-tvf', '-'], {
      input: tar,
      encoding: 'utf8',
      env: { TZ: 'UTC' },
    });
    const lines = listing
      .trim()
      .split('\n')
      .map((line) => line.replace(/\s+/g, ' ').replace(' 1970-01-01 00:00', ''));
    expect(lines).toEqual([
      'drwxrwxrwt 0/0 0 tmp/',
      '-rwxr-xr-x 0/0 600 tmp/file',
      '-rw-r--r-- 0/0 0 tmp/empty',
      'lrwxrwxrwx 0/0 0 sh -> tmp/file',
      `-rw-r--r-- 0/0 4 ${deep}`,
    ]);
    expect(execFileSync('tar', ['-xOf', '-', deep], { input: tar, encoding: 'utf8' })).toBe('deep');
  });

  test('refuses a path that ustar cannot hold instead of cutting it', () => {
    expect(() => [...writeTar([{ path: 'x'.repeat(300), mode: 0o644, content: Buffer.alloc(0) }])]).toThrow(RangeError);
  });
});
