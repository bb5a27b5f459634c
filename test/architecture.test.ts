import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

/** docs/architecture.md shows the same table. A file imports its own folder and lower ranks only; fractions order what shares a rank. */
const ranks: Readonly<Record<string, number>> = {
  'errors.ts': 0,
  util: 0.1,
  native: 0.2,
  oci: 0.3,
  http: 0.4,
  git: 0.5,
  dockerfile: 1,
  tar: 2,
  context: 2,
  registry: 2,
  sandbox: 2,
  store: 3,
  graph: 3,
  cache: 4,
  image: 4,
  checks: 4.2,
  rootfs: 4.5,
  build: 5,
  run: 5,
  'index.ts': 6,
  cli: 7,
  demo: 7,
};

/** Packages that one file owns: everything else goes through that file. */
const ownedPackages: Readonly<Record<string, string>> = {
  'dockerfile-ast': 'dockerfile',
  'fast-glob': 'store',
  fzstd: 'tar',
  'node-gyp-build': 'native',
  ora: 'cli',
  'tar-stream': 'tar',
  'xxhash-wasm': 'util',
  'xz-decompress': 'tar',
};

const root = fileURLToPath(new URL('../src/', import.meta.url));
const sources = readdirSync(root, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => readSource(join(entry.parentPath, entry.name).slice(root.length)));

describe('the import table', () => {
  test('every folder of src/ has a rank, and every rank a folder', () => {
    expect(new Set(sources.map(({ folder }) => folder))).toEqual(new Set(Object.keys(ranks)));
  });

  test('a file imports its own folder and lower ranks only', () => {
    expect(sources.flatMap(upwardImports)).toEqual([]);
  });

  test('cli/ and demo/ import nothing of tbuild but index.ts', () => {
    const outside = sources
      .filter(({ folder }) => folder === 'cli' || folder === 'demo')
      .flatMap(({ path, folder, locals }) =>
        locals
          .filter((target) => target !== 'index.ts' && folderOf(target) !== folder)
          .map((target) => `${path} → ${target}`),
      );
    expect(outside).toEqual([]);
  });

  test('index.ts only re-exports', () => {
    const statements = withoutComments(readFileSync(join(root, 'index.ts'), 'utf8'))
      .split(';')
      .map((statement) => statement.trim())
      .filter((statement) => statement !== '');
    expect(statements.filter((statement) => !/^export\b[^=]*\bfrom '\.[^']*'$/s.test(statement))).toEqual([]);
  });

  test('imports name files that exist, with their extension', () => {
    const known = new Set(sources.map(({ path }) => path));
    const unknown = sources.flatMap(({ path, locals }) =>
      locals.filter((target) => !known.has(target)).map((target) => `${path} → ${target}`),
    );
    expect(unknown).toEqual([]);
  });
});

describe('the doors', () => {
  test.each(Object.entries(ownedPackages))('%s is imported by exactly one file, in %s/', (name, folder) => {
    const importers = sources.filter(({ packages }) => packages.some((each) => packageOf(each) === name));
    expect(importers.map((source) => source.folder)).toEqual([folder]);
  });

  test('the addon and its loader are named in native/ only', () => {
    const intruders = sources.filter(
      ({ folder, text }) => folder !== 'native' && /\bdlopen\b|\.node['"`]|createRequire|process\.binding/.test(text),
    );
    expect(intruders.map(({ path }) => path)).toEqual([]);
  });

  test('the addon has no more functions than can be kept in mind', () => {
    const declared = readFileSync(join(root, 'native/addon.ts'), 'utf8').split('export interface NativeAddon')[1] ?? '';
    const functions = declared.match(/^ {2}\w+\(/gm) ?? [];
    expect(functions.length).toBeGreaterThan(0);
    expect(functions.length).toBeLessThanOrEqual(12);
  });

  test('packages come from the list of dependencies', () => {
    const manifest = JSON.parse(readFileSync(join(root, '../package.json'), 'utf8')) as Record<string, object>;
    const declared = new Set([
      ...Object.keys(manifest['dependencies'] ?? {}),
      ...Object.keys(manifest['devDependencies'] ?? {}),
    ]);
    const undeclared = sources.flatMap(({ path, packages }) =>
      packages.filter((name) => !declared.has(packageOf(name))).map((name) => `${path} → ${name}`),
    );
    expect(undeclared).toEqual([]);
  });
});

describe('the size of things', () => {
  test('no file is longer than 400 lines', () => {
    expect(sources.filter(({ lines }) => lines > 400).map(({ path, lines }) => `${path}: ${lines}`)).toEqual([]);
  });

  test('half of the files have at most 150 lines', () => {
    const lengths = sources.map(({ lines }) => lines).sort((a, b) => a - b);
    expect(lengths[Math.floor(lengths.length / 2)]).toBeLessThanOrEqual(150);
  });
});

interface Source {
  /** Relative to src/. */
  readonly path: string;
  readonly folder: string;
  readonly text: string;
  readonly lines: number;
  /** Paths relative to src/ of the files that it imports. */
  readonly locals: readonly string[];
  readonly packages: readonly string[];
}

function readSource(path: string): Source {
  const text = readFileSync(join(root, path), 'utf8');
  const specifiers = [...importSpecifiers(withoutComments(text))];
  return {
    path,
    folder: folderOf(path),
    text,
    lines: text.split('\n').length - 1,
    locals: specifiers.filter(isLocal).map((specifier) => normalize(join(dirname(path), specifier))),
    packages: specifiers.filter((specifier) => !isLocal(specifier) && !specifier.startsWith('node:')),
  };
}

/** Static, type-only and lazy imports, and re-exports. */
function* importSpecifiers(text: string): Generator<string> {
  for (const match of text.matchAll(/(?:\bfrom\s+|\bimport\s+|\bimport\(\s*)'([^'\n]+)'/g)) yield match[1] ?? '';
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
}

function upwardImports({ path, folder, locals }: Source): string[] {
  const rank = ranks[folder] ?? Number.NaN;
  return locals
    .filter((target) => folderOf(target) !== folder && !((ranks[folderOf(target)] ?? Number.NaN) < rank))
    .map((target) => `${path} (rank ${rank}) → ${target} (rank ${ranks[folderOf(target)] ?? 'unknown'})`);
}

function folderOf(path: string): string {
  return path.split('/')[0] ?? '';
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function isLocal(specifier: string): boolean {
  return specifier.startsWith('.');
}
