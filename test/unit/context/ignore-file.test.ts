import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readIgnoreFile } from '../../../src/context/ignore-file.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tbuild-ignore-'));
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

test('without a file there are no rules', async () => {
  expect(await readIgnoreFile(root, join(root, 'Dockerfile'))).toEqual({ path: undefined, lines: [] });
});

test('a directory of the name is no file of rules', async () => {
  mkdirSync(join(root, '.dockerignore'));
  expect(await readIgnoreFile(root, undefined)).toEqual({ path: undefined, lines: [] });
});

test("a Dockerfile's own ignore file replaces that of the context", async () => {
  writeFileSync(join(root, '.dockerignore'), 'general');
  mkdirSync(join(root, 'docker'));
  writeFileSync(join(root, 'docker/app.Dockerfile.dockerignore'), 'special');
  const own = await readIgnoreFile(root, join(root, 'docker/app.Dockerfile'));
  expect(own.lines).toEqual([{ text: 'special', line: 1 }]);
  const general = await readIgnoreFile(root, join(root, 'docker/other.Dockerfile'));
  expect(general).toEqual({ path: join(root, '.dockerignore'), lines: [{ text: 'general', line: 1 }] });
});

test('a link inside the context is followed, one that leaves it is refused', async () => {
  mkdirSync(join(root, 'context/sub'), { recursive: true });
  writeFileSync(join(root, 'secret'), 'TOKEN');
  writeFileSync(join(root, 'context/sub/rules'), 'a');
  symlinkSync('sub/rules', join(root, 'context/.dockerignore'));
  expect((await readIgnoreFile(join(root, 'context'), undefined)).lines).toEqual([{ text: 'a', line: 1 }]);
  rmSync(join(root, 'context/.dockerignore'));
  symlinkSync('../secret', join(root, 'context/.dockerignore'));
  await expect(readIgnoreFile(join(root, 'context'), undefined)).rejects.toMatchObject({
    code: 'TBUILD_CONTEXT',
    message: expect.not.stringContaining('TOKEN') as string,
  });
});

test.each([
  ['a FIFO that nobody writes to', (path: string) => execFileSync('mkfifo', [path])],
  ['a file of 2 MiB', (path: string) => writeFileSync(path, 'x\n'.repeat(1 << 20))],
  ['a pattern longer than any path', (path: string) => writeFileSync(path, 'x'.repeat(5000))],
])('%s is refused, not read', async (_, make) => {
  make(join(root, '.dockerignore'));
  await expect(readIgnoreFile(root, undefined)).rejects.toMatchObject({ code: 'TBUILD_CONTEXT' });
});
