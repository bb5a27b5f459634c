import { execFile } from 'node:child_process';
import { copyFile, cp, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeTree } from './helpers/tree.ts';

const execute = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));
const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Record<string, unknown>;

let directory: string;
let unpacked: string;
let files: readonly string[];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tbuild-package-'));
  await execute(process.execPath, [
    join(root, 'node_modules/typescript/bin/tsc'),
    '-p',
    join(root, '.config/tsconfig.types.json'),
  ]);
  const { stdout } = await execute('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', directory], {
    cwd: root,
  });
  const [packed] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
  files = packed.files.map(({ path }) => path);
  await execute('tar', ['-xzf', packed.filename], { cwd: directory });
  unpacked = join(directory, 'package');
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe('the packed package', () => {
  test('holds the program, the library with its types, and what compiles the native part', () => {
    expect(files).toEqual(
      expect.arrayContaining([
        'LICENSE',
        'README.md',
        'addon/binding.gyp',
        'addon/install.mjs',
        'addon/package.json',
        'dist/THIRD-PARTY-NOTICES.txt',
        'dist/index.js',
        'dist/index.js.map',
        'dist/tbuild.cjs',
        'dist/warm-up.cjs',
        'dist/types/index.d.ts',
      ]),
    );
    expect(files.filter((path) => /^addon\/src\/(addon|helper|common)\/.*\.cc$/.test(path)).length).toBeGreaterThan(5);
  });

  test('holds nothing else', () => {
    const known =
      /^(LICENSE|README\.md|package\.json|docs\/|addon\/(src|prebuilds|binding|package|install|README)|dist\/)/;
    expect(files.filter((path) => !known.test(path) || /^dist\/demo|\.cache$/.test(path))).toEqual([]);
  });

  test('satisfies publint', async () => {
    const { messages, pkg } = await publint({ pkgDir: unpacked, strict: true, pack: false });
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
  });

  test('names the licence of every package that is bundled', async () => {
    const notices = await readFile(join(unpacked, 'dist/THIRD-PARTY-NOTICES.txt'), 'utf8');
    const named = [...notices.matchAll(/^(\S+) \d[\w.-]* \(.+\)$/gm)].map((match) => match[1]);
    const imported = await importedPackages();
    expect(imported).toContain('xxhash-wasm');
    expect(named).toEqual(expect.arrayContaining(imported));
  });

  test('runs without any other package', async () => {
    const { stdout } = await execute(process.execPath, [join(unpacked, 'dist/tbuild.cjs'), '--help']);
    expect(stdout).toMatch(/^Usage: tbuild/);
    const exported = await import(pathToFileURL(join(unpacked, 'dist/index.js')).href);
    expect(exported).toHaveProperty('build');
  });

  test('type-checks in a strict project that imports it', async () => {
    const project = join(directory, 'consumer');
    await mkdir(join(project, 'node_modules/@types'), { recursive: true });
    await cp(unpacked, join(project, 'node_modules/tbuild'), { recursive: true });
    for (const name of ['node', '../undici-types']) {
      await symlink(join(root, 'node_modules/@types', name), join(project, 'node_modules/@types', name));
    }
    const compilerOptions = {
      module: 'nodenext',
      target: 'es2023',
      lib: ['es2023', 'esnext.disposable'],
      strict: true,
      noEmit: true,
    };
    writeTree(project, {
      'package.json': '{ "type": "module" }',
      'tsconfig.json': JSON.stringify({
        compilerOptions: { ...compilerOptions, exactOptionalPropertyTypes: true, types: ['node'] },
      }),
      'use.ts':
        "import { build } from 'tbuild';\nconst running = build({ context: '.' });\nfor await (const event of running) console.log(event.type);\n",
    });
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const { stdout } = await execute(process.execPath, [tsc, '-p', project]).catch(
      (error: { stdout: string }) => error,
    );
    expect(stdout).toBe('');
  });
});

describe('the program', () => {
  test('is a file of under 20 lines, without static imports', async () => {
    const text = await readFile(join(root, 'dist/tbuild.cjs'), 'utf8');
    expect(text).toMatch(/^#!\/usr\/bin\/env node\n/);
    expect(text.split('\n').length).toBeLessThan(20);
    expect(text).not.toMatch(/^\s*(import|export)\b(?!\()/m);
  });

  test.each(['--version', '-v'])('answers %s before it loads anything', async (flag) => {
    const alone = join(directory, 'alone.cjs');
    await copyFile(join(root, 'dist/tbuild.cjs'), alone);
    const { stdout } = await execute(process.execPath, [alone, flag]);
    expect(stdout).toBe(`tbuild version ${String(manifest['version'])}\n`);
  });

  test('loads at most 4 files for a fully cached build: three of its own, one of them compiled code, and the addon', async () => {
    const context = join(directory, 'context');
    writeTree(context, { Dockerfile: 'FROM scratch\nENV A=b\nWORKDIR /srv\nCOPY file .\n', file: 'content' });
    const argv = [join(root, 'dist/tbuild.cjs'), '-t', 'cached', '--store', join(directory, 'store'), context];
    await execute(process.execPath, argv);
    const { stdout } = await execute(process.execPath, argv, {
      env: { ...process.env, NODE_V8_COVERAGE: join(directory, 'coverage') },
    });
    expect(stdout.match(/^ ---> Using cache$/gm)).toHaveLength(3);
    const loaded = await scriptsOf(join(directory, 'coverage'));
    expect(loaded.map((url) => basename(url)).toSorted()).toEqual([
      expect.stringMatching(/^program-[0-9a-f]{8}\.cjs$/),
      'tbuild.cjs',
    ]);
    expect(loaded.filter((url) => !url.startsWith(pathToFileURL(join(root, 'dist/')).href))).toEqual([]);
  });

  test.each([
    ['there is no compiled code', undefined],
    ['the compiled code is damaged', 'garbage'],
    ['the compiled code is empty', ''],
  ])('works from its modules when %s', async (_, code) => {
    const [script] = files.filter((path) => /^dist\/program-.*\.cjs$/.test(path));
    const kept = join(unpacked, `${script ?? ''}.${process.arch}-${process.versions.v8}.cache`);
    if (code !== undefined) await writeFile(kept, code);
    const { stdout } = await execute(process.execPath, [join(unpacked, 'dist/tbuild.cjs'), '--help']);
    await rm(kept, { force: true });
    expect(stdout).toMatch(/^Usage: tbuild/);
  });

  test('works from its modules when source maps are wanted, so that stacks name sources', async () => {
    const argv = ['--enable-source-maps', join(root, 'dist/tbuild.cjs'), '--help'];
    const coverage = join(directory, 'coverage-maps');
    await execute(process.execPath, argv, { env: { ...process.env, NODE_V8_COVERAGE: coverage } });
    const loaded = (await scriptsOf(coverage)).map((url) => basename(url));
    expect(loaded).toContain('cli.js');
    expect(loaded.filter((name) => name.startsWith('program-'))).toEqual([]);
  });

  test('loads nothing of node:crypto, node:child_process, node:http, node:zlib or node:readline for a fully cached build', async () => {
    const context = join(directory, 'lean');
    writeTree(context, { Dockerfile: 'FROM scratch\nWORKDIR /srv\nCOPY file .\n', file: 'content' });
    const tell = join(directory, 'tell.cjs');
    await writeFile(tell, "process.on('exit', () => console.log(process.moduleLoadList.join('\\n')));\n");
    const argv = [join(root, 'dist/tbuild.cjs'), '-q', '--store', join(directory, 'lean-store'), context];
    await execute(process.execPath, argv);
    const { stdout } = await execute(process.execPath, ['--require', tell, ...argv]);
    expect(stdout).toContain('NativeModule fs\n');
    expect(stdout).not.toMatch(/^NativeModule (crypto|child_process|https?|zlib|readline(\/promises)?)$/m);
  });
});

async function importedPackages(): Promise<string[]> {
  const sources = (await readdir(join(root, 'src'), { recursive: true })).filter((name) => name.endsWith('.ts'));
  const texts = await Promise.all(sources.map((name) => readFile(join(root, 'src', name), 'utf8')));
  const specifiers = texts.flatMap((text) => [
    ...text.matchAll(/^import .* from '([^.':]+)';$|\bimport\('([^.':]+)'\)/gm),
  ]);
  return [...new Set(specifiers.map((match) => match[1] ?? match[2] ?? ''))];
}

/** Every script that a process loaded from files, as V8 reports it. */
async function scriptsOf(coverage: string): Promise<string[]> {
  const reports = await readdir(coverage);
  const texts = await Promise.all(reports.map((name) => readFile(join(coverage, name), 'utf8')));
  const urls = texts.flatMap((text) =>
    (JSON.parse(text) as { result: { url: string }[] }).result.map(({ url }) => url),
  );
  return [...new Set(urls)].filter((url) => url.startsWith('file:'));
}
