import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { programClosure } from './loader.ts';
import type { TarEntry } from './tar-writer.ts';
import { walk } from './walk.ts';

/** The programs of the machine that the demo's base image is made of; all but `sh` may be missing. */
export const wantedPrograms = ['sh', 'ls', 'cat', 'echo', 'id', 'uname', 'head', 'mkdir', 'sleep', 'env'] as const;

export interface BaseImage {
  readonly entries: readonly TarEntry[];
  /** Absolute paths of the programs in it. */
  readonly programs: readonly string[];
  /** Why a program was left out, in a sentence each. */
  readonly leftOut: readonly string[];
}

const searchPath = ['/usr/bin', '/bin', '/usr/sbin', '/sbin'];

/** Where the loader of glibc remembers where libraries are, and what it loads by itself when names are looked up in /etc/passwd. */
const loaderExtras = ['/etc/ld.so.cache'];

/** Collects programs of the system at `root` with all that they need, each at its own path with every symlink on the way. */
export function collectBaseImage(root: string, names: readonly string[] = wantedPrograms): BaseImage {
  const files = new Set<string>();
  const programs: string[] = [];
  const leftOut: string[] = [];
  for (const name of names) {
    const path = searchPath.map((directory) => `${directory}/${name}`).find((each) => walk(root, each) !== undefined);
    if (path === undefined) {
      leftOut.push(`there is no ${name}`);
      continue;
    }
    const closure = programClosure(root, path);
    if (closure.complete) {
      programs.push(path);
      for (const file of closure.files) files.add(file);
    } else {
      leftOut.push(closure.reason);
    }
  }
  return { entries: toEntries(root, [...searchPath, ...loaderExtras, ...files]), programs, leftOut };
}

/** The base image when the machine's programs will not run in the sandbox: one static program under many names. */
export function staticBaseImage(init: Buffer, applets: readonly string[]): BaseImage {
  const links = applets.map((name) => ({ path: `bin/${name}`, mode: 0o777, link: 'init' }));
  return {
    entries: [...skeleton(), { path: 'bin', mode: 0o755 }, { path: 'bin/init', mode: 0o755, content: init }, ...links],
    programs: applets.map((name) => `/bin/${name}`),
    leftOut: [],
  };
}

function toEntries(root: string, paths: readonly string[]): TarEntry[] {
  const entries = new Map(skeleton().map((entry) => [entry.path, entry]));
  for (const { path, stats, link } of paths.flatMap((each) => walk(root, each) ?? [])) {
    const name = path.slice(1);
    if (entries.has(name)) continue;
    if (link !== undefined) entries.set(name, { path: name, mode: 0o777, link });
    else if (stats.isDirectory()) entries.set(name, { path: name, mode: 0o755 });
    else if (stats.isFile()) {
      const mode = (stats.mode & 0o111) === 0 ? 0o644 : 0o755;
      entries.set(name, { path: name, mode, content: readFileSync(join(root, path)) });
    }
  }
  return [...entries.values()];
}

function skeleton(): TarEntry[] {
  const directories = ['dev', 'etc', 'proc', 'root', 'sys', 'tmp'].map((path) => ({
    path,
    mode: path === 'tmp' ? 0o1777 : path === 'root' ? 0o700 : 0o755,
  }));
  return [
    ...directories,
    textFile('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n'),
    textFile('etc/group', 'root:x:0:\nnogroup:x:65534:\n'),
    textFile('etc/os-release', 'PRETTY_NAME="tbuild demo base"\nNAME="tbuild demo base"\nID=tbuild-demo\n'),
  ];
}

function textFile(path: string, text: string): TarEntry {
  return { path, mode: 0o644, content: Buffer.from(text) };
}
