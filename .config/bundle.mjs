// Bundles src/ into dist/. `--clean` also removes what earlier runs left there. What ends up in which file, and why: docs/decisions/0004-bundle.md.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const core = join(root, 'src/index.ts');
const commands = join(root, 'src/cli/');
const lazyPackage = /\bimport\(\s*'([^.:']+)'\s*\)/g;
const lazyImport = /\bimport\(\s*'(\.[^']+)'\s*\)/g;
const builtinImport = /^import \{([^}]*)\} from '(node:[a-z/]+)';$/gm;

await bundle();

async function bundle() {
  const outputs = [...(await bundleLibrary()), await bundleScript()];
  // CommonJS: Node's loader of modules costs another 5 ms.
  const starter = {
    format: 'cjs',
    outExtension: { '.js': '.cjs' },
    define: { TBUILD_PROGRAM: JSON.stringify(basename(outputs.at(-1).path)), 'import.meta.dirname': '__dirname' },
  };
  const modules = ['./main.ts', './cli.js'];
  outputs.push(
    ...(await bundleProgram('demo', 'src/demo/main.ts', ['../index.ts', './index.js'])),
    ...(await bundleProgram('warm-up', 'src/cli/warm-up.ts', modules, starter)),
    ...(await bundleProgram('tbuild', 'src/cli/bin.ts', modules, starter)),
  );
  for (const { path, contents } of outputs) await writeIfChanged(path, contents);
  if (process.argv.includes('--clean')) await removeOthers(new Set(outputs.map(({ path }) => path)));
}

/** The library, the commands, and one chunk for each module that is imported lazily. */
async function bundleLibrary() {
  const entryPoints = existing({ index: 'src/index.ts', cli: 'src/cli/main.ts' });
  if (Object.keys(entryPoints).length === 0) return [];
  const result = await build({
    ...shared(await packageVersion()),
    entryPoints,
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    // Bundled CommonJS packages call require for Node's own modules and for the addon.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    metafile: true,
    plugins: [oneCoreChunk()],
  });
  return [...result.outputFiles, await notices(Object.keys(result.metafile.inputs))];
}

/** The commands and all that they reach as one script, named by its content: docs/decisions/0012-code-cache.md. */
async function bundleScript() {
  const options = {
    ...shared(await packageVersion()),
    entryPoints: { program: join(root, 'src/cli/main.ts') },
    format: 'cjs',
    outExtension: { '.js': '.cjs' },
    sourcemap: false,
  };
  // A parameter of the function that src/cli/program.ts puts around it.
  options.define['import.meta.url'] = '__moduleUrl';
  const plainBuiltins = {
    name: 'plain-builtins',
    setup: ({ onLoad }) =>
      onLoad({ filter: /\/src\/.*\.ts$/ }, async ({ path }) => ({
        loader: 'ts',
        contents: withPlainBuiltins(await readFile(path, 'utf8')),
      })),
  };
  const { outputFiles } = await build({ ...options, plugins: [plainBuiltins] });
  const [{ contents }] = outputFiles;
  const hash = createHash('sha256').update(contents).digest('hex').slice(0, 8);
  return { path: join(dist, `program-${hash}.cjs`), contents };
}

/** A program of few lines that reaches the rest through one import, left as it is: `from` in the source is `to` in dist/. */
async function bundleProgram(name, source, [from, to], more = {}) {
  const keepImport = {
    name: 'keep-import',
    setup: ({ onResolve }) =>
      onResolve({ filter: /./ }, ({ path }) => (path === from ? { path: to, external: true } : undefined)),
  };
  const options = shared(await packageVersion());
  const result = await build({
    ...options,
    ...more,
    define: { ...options.define, ...more.define },
    entryPoints: { [name]: join(root, source) },
    plugins: [keepImport],
  });
  return result.outputFiles;
}

function shared(version) {
  return {
    absWorkingDir: root,
    outdir: dist,
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    sourcemap: 'linked',
    minifySyntax: true,
    minifyWhitespace: true,
    // What V8 does not have to scan starts sooner: 3 ms of a cached build. Stacks are readable with the source maps.
    minifyIdentifiers: true,
    define: { TBUILD_VERSION: JSON.stringify(version) },
    logLevel: 'warning',
  };
}

/**
 * esbuild makes a chunk for every distinct set of entries that reach a piece of code. Each lazily imported module or package here also reaches the whole of the core, so that all of the core
 * has the same set and becomes one file, which is what a cached build loads beside cli.js. The commands are small: their lazy imports are made static, else what they share would be chunks too.
 */
function oneCoreChunk() {
  const reachCore = `export * as __core from ${JSON.stringify(core)};\n`;
  return {
    name: 'one-core-chunk',
    setup({ onResolve, onLoad }) {
      let lazy;
      onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        lazy ??= lazyModules();
        const text = withPlainBuiltins(await readFile(path, 'utf8')).replaceAll(
          lazyPackage,
          "import('lazy-package:$1').then((module) => module.contents)",
        );
        if (path.startsWith(commands)) return { loader: 'ts', contents: withStaticImports(text) };
        return { loader: 'ts', contents: (await lazy).has(path) ? `${text}\n${reachCore}` : text };
      });
      onResolve({ filter: /^lazy-package:/ }, ({ path, resolveDir }) => ({
        path,
        namespace: 'lazy-package',
        pluginData: resolveDir,
      }));
      onLoad({ filter: /./, namespace: 'lazy-package' }, ({ path, pluginData }) => {
        const name = path.slice('lazy-package:'.length);
        return {
          resolveDir: pluginData,
          contents: `import * as contents from '${name}';\nexport { contents };\n${reachCore}`,
        };
      });
    },
  };
}

/** Absolute paths of the sources that some other source imports with `import('./….ts')`. */
async function lazyModules() {
  const found = new Set();
  for (const entry of await readdir(join(root, 'src'), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.ts')) continue;
    const text = await readFile(join(entry.parentPath, entry.name), 'utf8');
    for (const [, specifier] of text.matchAll(lazyImport)) found.add(resolve(entry.parentPath, specifier));
  }
  return found;
}

/**
 * Node's own modules without the wrapper that `import` makes of each: it reads every export, and with the getters among them loads WebCrypto, the promises of fs and more (8 ms of a start on
 * Node 20). https://nodejs.org/api/process.html#processgetbuiltinmoduleid
 */
function withPlainBuiltins(text) {
  return text.replaceAll(
    builtinImport,
    (_, names, module) => `const {${names.replaceAll(/\bas\b/g, ':')}} = process.getBuiltinModule('${module}');`,
  );
}

/** `import('./x.ts')` becomes a resolved promise of the namespace. */
function withStaticImports(text) {
  const imports = [];
  const body = text.replaceAll(lazyImport, (_, specifier) => {
    imports.push(`import * as __lazy${imports.length} from '${specifier}';`);
    return `Promise.resolve(__lazy${imports.length - 1})`;
  });
  return imports.length === 0 ? text : `${body}\n${imports.join('\n')}\n`;
}

function existing(entries) {
  return Object.fromEntries(
    Object.entries(entries).flatMap(([name, path]) => (existsSync(join(root, path)) ? [[name, join(root, path)]] : [])),
  );
}

async function packageVersion() {
  return JSON.parse(await readFile(join(root, 'package.json'), 'utf8')).version;
}

/** The licences of the packages whose code is in the bundle. */
async function notices(inputs) {
  const packages = new Set(
    inputs.flatMap((input) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0] ?? []),
  );
  const texts = [];
  for (const directory of [...packages].sort((a, b) => a.localeCompare(b))) {
    const { name, version, license } = JSON.parse(await readFile(join(root, directory, 'package.json'), 'utf8'));
    const file = (await readdir(join(root, directory))).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file === undefined ? '' : `\n${(await readFile(join(root, directory, file), 'utf8')).trim()}\n`;
    texts.push(`${name} ${version} (${license})\n${text}`);
  }
  const path = join(dist, 'THIRD-PARTY-NOTICES.txt');
  return { path, contents: Buffer.from(texts.join(`\n${'-'.repeat(80)}\n\n`)) };
}

/** Leaves a file alone that is right already, and never shows a half-written one: a test run in the same tree may be loading it. */
async function writeIfChanged(path, contents) {
  const before = await readFile(path).catch(() => undefined);
  if (before !== undefined && before.equals(contents)) return;
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, contents);
  if (relative(dist, path) === 'tbuild.cjs') await chmod(temporary, 0o755);
  await rename(temporary, path);
}

async function removeOthers(wanted) {
  for (const entry of await readdir(dist, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const [script] = path.split(/(?<=\.cjs)\.(?=.*\.cache$)/);
    if (entry.isFile() && !wanted.has(script) && !path.startsWith(join(dist, 'types'))) await rm(path);
  }
}
