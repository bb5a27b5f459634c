import { execFileSync } from 'node:child_process';
import { chmodSync, lstatSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseIgnoreFile } from '../../../src/context/ignore-file.ts';
import { compileIgnoreRules } from '../../../src/context/ignore-rules.ts';
import { openContext } from '../../../src/context/open-context.ts';
import type { BuildContext } from '../../../src/context/open-context.ts';
import { openScan } from '../../../src/context/scan.ts';
import { loadAddon } from '../../../src/native/load.ts';
import { encodeRecords, scanSlowly } from '../../unit/context/scan-records.ts';
import { addToTree, makeTree } from './make-tree.ts';

const addon = loadAddon();

function contextOf(specs: readonly string[]): Promise<BuildContext> {
  return openContext({ root: makeTree(specs), addon });
}

test('the native scan lists what a walk in JavaScript lists, in the same order', async () => {
  const root = makeTree(['a', 'a.b', 'a-', 'd/a', 'd.x', 'd/e/', 'é', 'l -> a', 'A', 'h = a', 'd/h2 = a']);
  const native = openScan(await addon.scanTree(root, []));
  const expected = openScan(encodeRecords(scanSlowly(root)));
  expect(native.length).toBe(expected.length);
  for (let record = 0; record < native.length; record++) {
    for (const field of ['path', 'mode', 'size', 'mtimeNs', 'ctimeNs', 'links'] as const) {
      expect(native[field](record)).toBe(expected[field](record));
    }
  }
});

test('the native scan never leaves out what the exact rules admit', async () => {
  const paths = ['a', 'b/a', 'b/b', 'b/ab', 'ab', 'ba/a/b', 'ba/a/ab', 'b/ba/a', 'a.b', 'b/b.a/b'];
  const root = makeTree([...paths, 'ba/empty/']);
  const all = scanSlowly(root).map(({ path }) => path);
  const component = fc.constantFrom(
    'a',
    'b',
    'ab',
    'ba',
    '*',
    '**',
    '*a',
    'a*',
    '**a',
    'b**',
    '?',
    '[ab]',
    '[^a]*',
    '\\a',
    '*.b',
  );
  const line = fc.tuple(fc.constantFrom('', '', '!'), fc.array(component, { minLength: 1, maxLength: 3 }));
  const text = fc
    .array(line, { maxLength: 5 })
    .map((lines) => lines.map(([not, parts]) => not + parts.join('/')).join('\n'));
  await fc.assert(
    fc.asyncProperty(text, async (ignore) => {
      const rules = compileIgnoreRules({ path: 'x', lines: parseIgnoreFile(ignore, 'x') });
      const scan = openScan(await addon.scanTree(root, rules.toPruneRules()));
      for (const path of all)
        if (!rules.isIgnored(path)) expect(scan.find(path), `${ignore}: ${path}`).toBeGreaterThan(-1);
    }),
    { numRuns: 400 },
  );
});

test('a directory is really left out of the scan where plain rules exclude it', async () => {
  const root = makeTree(['node_modules/p/i.js', 'src/a.pyc', 'src/a.py', 'keep/node_modules/x']);
  const lines = parseIgnoreFile('node_modules\n**/*.py[cod]\n!keep', 'x');
  const scan = openScan(await addon.scanTree(root, compileIgnoreRules({ path: 'x', lines }).toPruneRules()));
  expect(scan.find('node_modules')).toBe(-1);
  expect(scan.find('src/a.pyc')).toBe(-1);
  expect(scan.find('keep/node_modules/x')).toBeGreaterThan(-1);
});

describe('the context root', () => {
  test('that does not exist is TBUILD_CONTEXT', async () => {
    await expect(openContext({ root: join(makeTree([]), 'none'), addon })).rejects.toMatchObject({
      code: 'TBUILD_CONTEXT',
    });
  });

  test('that is a file is TBUILD_CONTEXT', async () => {
    await expect(openContext({ root: join(makeTree(['f']), 'f'), addon })).rejects.toMatchObject({
      code: 'TBUILD_CONTEXT',
      message: expect.stringContaining('not a directory') as string,
    });
  });

  test('may be a symbolic link', async () => {
    const root = makeTree(['real/a', 'link -> real']);
    const context = await openContext({ root: join(root, 'link'), addon });
    expect(context.root).toBe(realpathSync(join(root, 'real')));
    expect((await context.digest(['a'])).files).toBe(1);
  });
});

describe('a source that is not there', () => {
  test('is explained by the line that excludes it', async () => {
    const root = makeTree(['dist/app.js', 'l -> dist/app.js']);
    writeFileSync(join(root, '.dockerignore'), '# built\ndist\n');
    const context = await openContext({ root, addon });
    for (const source of ['dist/app.js', 'dist', 'l']) {
      await expect(context.select([source])).rejects.toMatchObject({
        code: 'TBUILD_SOURCE_NOT_FOUND',
        message: expect.stringContaining('excluded by .dockerignore line 2 (dist)') as string,
      });
    }
  });

  test('comes with what is there, and what may have been meant', async () => {
    const context = await contextOf(['src/index.ts', 'src/main.ts']);
    await expect(context.select(['src/indx.ts'])).rejects.toMatchObject({
      message: expect.stringContaining('src has index.ts, main.ts') as string,
      hint: 'did you mean src/index.ts?',
    });
  });

  test('because a link is broken says where the link leads', async () => {
    const context = await contextOf(['l -> gone']);
    await expect(context.select(['l'])).rejects.toMatchObject({
      message: expect.stringContaining('symbolic link l leads to gone') as string,
    });
  });

  test('carries the place in the Dockerfile', async () => {
    const span = { file: 'Dockerfile', line: 3, column: 1, endLine: 3, endColumn: 9 };
    const context = await contextOf(['a']);
    await expect(context.select(['b'], { span })).rejects.toMatchObject({ span });
    await expect(context.select(['[b'], { span })).rejects.toMatchObject({ span, code: 'TBUILD_DOCKERFILE_SYNTAX' });
  });
});

test('no link leads out of the context', async () => {
  const root = makeTree(['etc/passwd', 'in/']);
  symlinkSync('/etc/passwd', join(root, 'in/absolute'));
  symlinkSync('../../../../../../etc/passwd', join(root, 'in/relative'));
  symlinkSync('/proc/self/root/etc/hostname', join(root, 'in/proc'));
  const context = await openContext({ root, addon });
  for (const source of ['in/absolute', 'in/relative']) {
    const [item] = (await context.select([source])).items;
    expect(item?.entries[0].contextPath).toBe('etc/passwd');
  }
  await expect(context.select(['in/proc'])).rejects.toMatchObject({ code: 'TBUILD_SOURCE_NOT_FOUND' });
});

test('a file whose name holds a backslash can be copied', async () => {
  const selection = await (await contextOf(['a\\b'])).select(['a\\b']);
  expect(selection.items[0]).toMatchObject({ name: 'a\\b', entries: [{ contextPath: 'a\\b' }] });
});

test('permission bits are kept whole, times in seconds, owners not at all', async () => {
  const root = makeTree(['s', 'd/']);
  chmodSync(join(root, 's'), 0o6751);
  chmodSync(join(root, 'd'), 0o1777);
  const selection = await (await openContext({ root, addon })).select(['.']);
  const entries = selection.items[0]?.entries ?? [];
  expect(entries.map(({ path, mode }) => [path, mode])).toEqual([
    ['', 0o700],
    ['d', 0o1777],
    ['s', 0o6751],
  ]);
  expect(entries[2]?.mtime).toBe(Math.floor(lstatSync(join(root, 's')).mtimeMs / 1000));
});

test('a FIFO is kept as one and never opened; a socket is left out and named', async () => {
  const root = makeTree(['d/']);
  execFileSync('mkfifo', [join(root, 'd/pipe')]);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(join(root, 'd/sock'), resolve));
  try {
    const context = await openContext({ root, addon });
    const selection = await context.select(['d']);
    expect(selection.items[0]?.entries.map(({ path, type }) => [path, type])).toEqual([
      ['', 'directory'],
      ['pipe', 'fifo'],
    ]);
    expect(selection.skipped).toEqual(['d/sock']);
    expect((await context.select(['d/sock'])).items).toEqual([]);
  } finally {
    server.close();
  }
});

test.skipIf(process.getuid?.() !== 0)('a device node is kept with its numbers (needs root)', async () => {
  const root = makeTree([]);
  execFileSync('mknod', [join(root, 'dev'), 'c', '300', '70000']);
  const [item] = (await (await openContext({ root, addon })).select(['dev'])).items;
  expect(item?.entries[0]).toMatchObject({ type: 'character', major: 300, minor: 70_000 });
});

test('a name that is not UTF-8 is an error only where it is selected', async () => {
  const root = makeTree(['a', 'd/b']);
  writeFileSync(Buffer.concat([Buffer.from(join(root, 'd/')), Buffer.from([0xff, 0x61])]), '');
  const context = await openContext({ root, addon });
  expect((await context.select(['a'])).items).toHaveLength(1);
  await expect(context.select(['d'])).rejects.toMatchObject({
    code: 'TBUILD_CONTEXT',
    message: expect.stringContaining('not UTF-8') as string,
  });
});

test.each([
  [13, 'no permission to read d/f'],
  [2, 'changed while it was read'],
  [5, 'errno 5'],
])('a file that fails to open with errno %i is an error only where it is selected', async (errno, message) => {
  const root = makeTree(['a', 'd/f']);
  const failing = {
    ...addon,
    hashFiles: (_: string, paths: readonly string[]) =>
      Promise.resolve(Buffer.concat(paths.map((path) => Buffer.alloc(37).fill(path === 'd/f' ? errno : 0, 0, 1)))),
  };
  const context = await openContext({ root, addon: failing });
  expect((await context.digest(['a'])).files).toBe(1);
  await expect(context.digest(['.'])).rejects.toMatchObject({
    code: 'TBUILD_CONTEXT',
    message: expect.stringContaining(message) as string,
  });
});

test('extended attributes come with their file, but file capabilities do not', async () => {
  const root = makeTree(['f']);
  const text = Buffer.from('user.note=6869\0security.capability=0100\0');
  const withXattrs = {
    ...addon,
    hashFiles: async (...parameters: Parameters<typeof addon.hashFiles>) => {
      const answer = Buffer.from((await addon.hashFiles(...parameters)).subarray(0, 37));
      answer.writeUInt32LE(text.length, 33);
      return Buffer.concat([answer, text]);
    },
  };
  const [item] = (await (await openContext({ root, addon: withXattrs })).select(['f'])).items;
  expect(item?.entries[0].xattrs).toEqual({ 'user.note': '6869' });
});

test('digest and select agree, and the summary counts what is copied', async () => {
  const context = await contextOf(['a', 'd/b', 'd/l -> b', 'd/e/']);
  const memo = await context.digest(['d', 'a*']);
  expect(memo).toEqual({ digest: (await context.select(['d', 'a*'])).digest, files: 3, bytes: 4, matches: 2 });
  expect(await context.digest(['nothing*'])).toMatchObject({ files: 0, bytes: 0, matches: 0 });
});

test('a step that sets modes itself has the same digest after a chmod', async () => {
  const root = makeTree(['f']);
  const digests: string[][] = [];
  for (const mode of [0o644, 0o755]) {
    chmodSync(join(root, 'f'), mode);
    const context = await openContext({ root, addon });
    digests.push([(await context.digest(['f'])).digest, (await context.digest(['f'], { chmod: '0755' })).digest]);
  }
  expect(digests[0]?.[0]).not.toBe(digests[1]?.[0]);
  expect(digests[0]?.[1]).toBe(digests[1]?.[1]);
});

test('an aborted build stops with the reason of the signal', async () => {
  const root = makeTree(['f']);
  const abort = new AbortController();
  const context = await openContext({ root, addon, signal: abort.signal });
  abort.abort(new Error('enough'));
  await expect(context.select(['f'])).rejects.toThrow('enough');
});

test('the Dockerfile and the ignore file can be read although they cannot be copied', async () => {
  const root = makeTree(['Dockerfile', 'a']);
  writeFileSync(join(root, '.dockerignore'), 'Dockerfile\n.dockerignore');
  const context = await openContext({ root, dockerfilePath: join(root, 'Dockerfile'), addon });
  expect(context.ignoreFile).toBe(join(root, '.dockerignore'));
  expect((await context.select(['.'])).items[0]?.entries.map(({ path }) => path)).toEqual(['', 'a']);
});

test('what is added to the context after it was opened is not seen', async () => {
  const root = makeTree(['d/a']);
  const context = await openContext({ root, addon });
  addToTree(root, ['d/b']);
  mkdirSync(join(root, 'later'));
  expect((await context.digest(['d'])).files).toBe(1);
  await expect(context.select(['later'])).rejects.toMatchObject({ code: 'TBUILD_SOURCE_NOT_FOUND' });
});
