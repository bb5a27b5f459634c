import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { defaultRoot, formatVersion, prepareRoot } from '../../../src/store/location.ts';

let directory: string;
let root: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tbuild-location-'));
  root = join(directory, 'a/b/store');
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(directory, { recursive: true, force: true });
});

describe('defaultRoot', () => {
  const asUser = (uid: number): void => void vi.spyOn(process, 'geteuid').mockReturnValue(uid);

  test('is $TBUILD_STORE, made absolute, before all else', () => {
    asUser(0);
    expect(defaultRoot({ TBUILD_STORE: '/some/where' })).toBe('/some/where');
    expect(defaultRoot({ TBUILD_STORE: 'here' })).toBe(join(process.cwd(), 'here'));
  });

  test('is /var/lib/tbuild for root', () => {
    asUser(0);
    expect(defaultRoot({ XDG_DATA_HOME: '/data', TBUILD_STORE: '' })).toBe('/var/lib/tbuild');
  });

  test('is in the data home of an ordinary user; a relative XDG_DATA_HOME is ignored', () => {
    asUser(1000);
    expect(defaultRoot({ XDG_DATA_HOME: '/data' })).toBe('/data/tbuild');
    expect(defaultRoot({ XDG_DATA_HOME: 'data' })).toBe(join(homedir(), '.local/share/tbuild'));
    expect(defaultRoot({})).toBe(join(homedir(), '.local/share/tbuild'));
  });
});

describe('prepareRoot', () => {
  test('makes a store that only its owner can enter, and accepts it from then on', () => {
    prepareRoot(root);
    expect(readFileSync(join(root, 'version'), 'utf8')).toBe(`${formatVersion}\n`);
    for (const path of ['', 'layers', 'blobs/sha256', 'tmp'])
      expect(statSync(join(root, path)).mode & 0o777).toBe(0o700);
    const before = readdirSync(root);
    prepareRoot(root);
    expect(readdirSync(root)).toEqual(before);
  });

  test('finishes what an interrupted creation left behind', () => {
    mkdirSync(join(root, 'layers'), { recursive: true });
    writeFileSync(join(root, 'version.0123'), '1');
    prepareRoot(root);
    expect(readFileSync(join(root, 'version'), 'utf8')).toBe(`${formatVersion}\n`);
  });

  test('refuses a newer format and says what to do', () => {
    prepareRoot(root);
    writeFileSync(join(root, 'version'), '2\n');
    expect(() => prepareRoot(root)).toThrow(
      expect.objectContaining({
        code: 'TBUILD_STORE_VERSION',
        hint: expect.stringContaining('newer tbuild'),
        details: { root, version: 2 },
      }),
    );
  });

  test('refuses an older format', () => {
    prepareRoot(root);
    writeFileSync(join(root, 'version'), '0\n');
    expect(() => prepareRoot(root)).toThrow(expect.objectContaining({ code: 'TBUILD_STORE_VERSION' }));
  });

  test.each(['', 'x', '1x', '-1', '99999999999'])('refuses a version file with %j', (content) => {
    prepareRoot(root);
    writeFileSync(join(root, 'version'), content);
    expect(() => prepareRoot(root)).toThrow(expect.objectContaining({ code: 'TBUILD_STORE_CORRUPT' }));
  });

  test('does not fill a directory that is something else', () => {
    mkdirSync(root, { recursive: true });
    writeFileSync(join(root, 'thesis.tex'), '');
    expect(() => prepareRoot(root)).toThrow(
      expect.objectContaining({ code: 'TBUILD_USAGE', message: expect.stringContaining('thesis.tex') }),
    );
    expect(readdirSync(root)).toEqual(['thesis.tex']);
  });

  test('says so when it cannot be made', () => {
    writeFileSync(join(directory, 'a'), '');
    expect(() => prepareRoot(root)).toThrow(
      expect.objectContaining({ code: 'TBUILD_IO', message: expect.stringContaining(root) }),
    );
  });
});
