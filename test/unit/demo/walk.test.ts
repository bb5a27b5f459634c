import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { walk } from '../../../src/demo/walk.ts';
import { writeTree } from '../../helpers/tree.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tbuild-walk-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const visit = (path: string): string[] | undefined => walk(root, path)?.map((each) => each.path);

describe('walk', () => {
  test('reports every directory, symlink and file on the way, in order', () => {
    writeTree(root, { 'usr/bin/dash': 'x', 'usr/bin/sh': { link: 'dash' }, bin: { link: 'usr/bin' } });
    expect(visit('/bin/sh')).toEqual(['/bin', '/usr', '/usr/bin', '/usr/bin/sh', '/usr/bin/dash']);
  });

  test('takes absolute targets and .. from the root given, never from the real one', () => {
    writeTree(root, { 'lib/ld.so': 'x', 'lib64/ld.so': { link: '/lib/ld.so' }, up: { link: '../../../../lib' } });
    expect(visit('/lib64/ld.so')).toEqual(['/lib64', '/lib64/ld.so', '/lib', '/lib/ld.so']);
    expect(visit('/up/ld.so')).toEqual(['/up', '/lib', '/lib/ld.so']);
    expect(visit('/../etc/hostname')).toBeUndefined();
  });

  test.each(['/absent', '/file/below', '/dangling', '/loop'])('%s leads nowhere', (path) => {
    writeTree(root, { file: 'x', dangling: { link: 'absent' }, loop: { link: 'loop' } });
    expect(visit(path)).toBeUndefined();
  });
});
