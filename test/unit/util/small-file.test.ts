import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readSmallFile } from '../../../src/util/small-file.ts';
import { openFilesBelow } from '../../helpers/leaks.ts';

let directory: string;
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), 'tbuild-small-file-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('readSmallFile', () => {
  test.each([0, 1, 65_535, 65_536, 65_537, 200_000])('reads a file of %i bytes whole', (size) => {
    const content = Buffer.alloc(size, 'abc');
    writeFileSync(join(directory, 'file'), content);
    expect(readSmallFile(join(directory, 'file'))?.equals(content)).toBe(true);
  });

  test('what it read does not change with the next file', () => {
    writeFileSync(join(directory, 'a'), 'one');
    writeFileSync(join(directory, 'b'), 'two');
    const first = readSmallFile(join(directory, 'a'));
    readSmallFile(join(directory, 'b'));
    expect(first?.toString()).toBe('one');
  });

  test('is undefined for what is not there', () => {
    writeFileSync(join(directory, 'file'), '');
    expect(readSmallFile(join(directory, 'nothing'))).toBeUndefined();
    expect(readSmallFile(join(directory, 'file', 'below'))).toBeUndefined();
  });

  test('does not follow a symlink, nor read a directory, and leaves nothing open', () => {
    symlinkSync('/etc/passwd', join(directory, 'link'));
    expect(() => readSmallFile(join(directory, 'link'))).toThrow(expect.objectContaining({ code: 'TBUILD_IO' }));
    expect(() => readSmallFile(directory)).toThrow(expect.objectContaining({ code: 'TBUILD_IO' }));
    expect(openFilesBelow(directory)).toEqual([]);
  });
});
