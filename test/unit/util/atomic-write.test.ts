import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { writeFileAtomic, writeNewFile } from '../../../src/util/atomic-write.ts';
import { openFilesBelow } from '../../helpers/leaks.ts';

let directory: string;
const at = (name: string): string => join(directory, name);
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), 'tbuild-atomic-write-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('writeFileAtomic', () => {
  test('puts the new content in place of the old, private to the user', () => {
    writeFileSync(at('file'), 'old');
    writeFileAtomic(at('file'), at('temporary'), [Buffer.from('new '), Buffer.from('content')]);
    expect(readFileSync(at('file'), 'utf8')).toBe('new content');
    expect(statSync(at('file')).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory)).toEqual(['file']);
  });

  test('leaves the old content and no temporary file when it fails', () => {
    mkdirSync(at('directory'));
    expect(() => writeFileAtomic(at('directory'), at('temporary'), [Buffer.from('x')])).toThrow(
      expect.objectContaining({ code: 'TBUILD_IO', details: { errno: 'EISDIR', path: at('directory') } }),
    );
    expect(readdirSync(directory)).toEqual(['directory']);
    expect(openFilesBelow(directory)).toEqual([]);
  });

  test('never writes through a temporary file that somebody else put there', () => {
    writeFileSync(at('temporary'), 'theirs');
    expect(() => writeNewFile(at('temporary'), [Buffer.from('ours')])).toThrow(
      expect.objectContaining({ code: 'TBUILD_IO' }),
    );
    expect(readFileSync(at('temporary'), 'utf8')).toBe('theirs');
  });
});
