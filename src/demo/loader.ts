import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { parseElf } from './elf.ts';
import type { ElfHeaders } from './elf.ts';
import { parseLoaderCache } from './loader-cache.ts';
import { walk } from './walk.ts';

/** Everything that must be at its path for a program to start, or the first thing that is not. */
export type Closure =
  | { readonly complete: true; readonly files: ReadonlySet<string> }
  | { readonly complete: false; readonly reason: string };

interface Loaded {
  readonly path: string;
  readonly headers: ElfHeaders;
  /** The object that needed it; undefined for the program. */
  readonly parent: Loaded | undefined;
}

/** Where a dynamic loader looks, without LD_LIBRARY_PATH: the sandbox has none. */
interface SearchRules {
  /** Directories that the object and those that led to it name. */
  own(object: Loaded): readonly string[];
  /** Files, then. */
  system(name: string, machine: number): readonly string[];
  /** Libraries that are part of the loader itself. */
  builtIn(name: string): boolean;
}

const multiarch: Readonly<Record<number, string>> = { 62: 'x86_64-linux-gnu', 183: 'aarch64-linux-gnu' };

/**
 * The files that the program at `path` opens before it starts: itself, its interpreter, and the libraries that they need, each where the loader finds it (ld.so(8), and musl's ldso/dynlink.c).
 * Paths are those that the loader opens, symlinks unresolved; `root` is where `/` of that system lies.
 */
export function programClosure(root: string, path: string): Closure {
  const headers = readHeaders(root, path);
  if (headers === undefined) return { complete: false, reason: `${path} is not a 64-bit ELF program` };
  const files = new Set([path]);
  const { interpreter } = headers;
  if (interpreter === undefined) return { complete: true, files };
  if (walk(root, interpreter) === undefined) return { complete: false, reason: `${path} needs ${interpreter}` };
  files.add(interpreter);

  const rules = basename(interpreter).startsWith('ld-musl-') ? muslRules(root, interpreter) : glibcRules(root);
  const pending: Loaded[] = [{ path, headers, parent: undefined }];
  for (let object = pending.shift(); object !== undefined; object = pending.shift()) {
    for (const name of object.headers.needed) {
      const found = findLibraries(root, name, object, rules);
      if (found.length === 0 && !rules.builtIn(name)) {
        return { complete: false, reason: `${object.path} needs ${name}, which is nowhere that the loader looks` };
      }
      for (const library of found) {
        if (files.has(library.path)) continue;
        files.add(library.path);
        pending.push(library);
      }
    }
  }
  return { complete: true, files };
}

/** The first in the object's own directories; else every file that the system's rules may choose (the choice among CPU-specific builds is made where the program runs). */
function findLibraries(root: string, name: string, object: Loaded, rules: SearchRules): readonly Loaded[] {
  const { machine } = object.headers;
  const load = (path: string): Loaded[] => {
    const headers = readHeaders(root, path);
    return headers?.machine === machine ? [{ path, headers, parent: object }] : [];
  };
  if (name.includes('/')) return load(name.startsWith('/') ? name : join('/', name));
  for (const directory of rules.own(object)) {
    const found = load(join(directory, name));
    if (found.length > 0) return found;
  }
  return rules.system(name, machine).flatMap(load);
}

function glibcRules(root: string): SearchRules {
  const cacheFile = join(root, '/etc/ld.so.cache');
  const cache = existsSync(cacheFile)
    ? parseLoaderCache(readFileSync(cacheFile))
    : new Map<string, readonly string[]>();
  return {
    own: (object) =>
      object.headers.runpath.length > 0
        ? expand(object, object.headers.runpath)
        : ancestors(object)
            .filter(({ headers }) => headers.runpath.length === 0)
            .flatMap((each) => expand(each, each.headers.rpath)),
    system: (name, machine) => {
      const cached = cache.get(name) ?? [];
      const directories = [`/lib/${multiarch[machine] ?? ''}`, `/usr/lib/${multiarch[machine] ?? ''}`];
      directories.push('/lib64', '/usr/lib64', '/lib', '/usr/lib');
      const first = directories
        .map((directory) => join(directory, name))
        .find((path) => walk(root, path) !== undefined);
      return cached.length > 0 || first === undefined ? cached : [first];
    },
    builtIn: (name) => name.startsWith('linux-vdso.'),
  };
}

function muslRules(root: string, interpreter: string): SearchRules {
  const architecture = /^ld-musl-(.+)\.so/.exec(basename(interpreter))?.[1] ?? '';
  const pathFile = join(root, dirname(interpreter), '../etc', `ld-musl-${architecture}.path`);
  const text = existsSync(pathFile) ? readFileSync(pathFile, 'utf8') : '/lib:/usr/local/lib:/usr/lib';
  const directories = text.split(/[:\n]/).filter((directory) => directory !== '');
  return {
    own: (object) =>
      ancestors(object).flatMap((each) => expand(each, [...each.headers.runpath, ...each.headers.rpath])),
    system: (name) => {
      const path = directories.map((directory) => join(directory, name)).find((each) => walk(root, each) !== undefined);
      return path === undefined ? [] : [path];
    },
    builtIn: (name) => /^lib(c|pthread|rt|m|dl|util|xnet)\./.test(name),
  };
}

function ancestors(object: Loaded): readonly Loaded[] {
  return object.parent === undefined ? [object] : [object, ...ancestors(object.parent)];
}

/** `$ORIGIN` and `$LIB`; a directory with another token (`$PLATFORM`) is left out. */
function expand(object: Loaded, directories: readonly string[]): readonly string[] {
  const libraries = ['lib', 'lib64', `lib/${multiarch[object.headers.machine] ?? ''}`];
  return directories
    .flatMap((directory) =>
      /\$\{?LIB\b/.test(directory)
        ? libraries.map((library) => directory.replace(/\$(LIB\b|\{LIB\})/, library))
        : [directory],
    )
    .map((directory) => directory.replace(/\$(ORIGIN\b|\{ORIGIN\})/, dirname(object.path)))
    .filter((directory) => !directory.includes('$'))
    .map((directory) => join('/', directory));
}

function readHeaders(root: string, path: string): ElfHeaders | undefined {
  const last = walk(root, path)?.at(-1);
  return last?.stats.isFile() === true ? parseElf(readFileSync(join(root, last.path))) : undefined;
}
