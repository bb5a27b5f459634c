import { posix } from 'node:path';
import type { KernelVersion } from '../util/elf.ts';
import type { RootFiles } from './accounts.ts';
import { findFile, openProgram } from './program.ts';
import type { Binary, Program, RootFile } from './program.ts';

/** What a program is started with: the dynamic loader, and the C library, which of musl is the loader itself. */
export interface CLibrary {
  readonly kind: 'glibc' | 'musl' | 'other';
  readonly loader: Program;
  readonly library: Program;
}

/** Undefined: a static program, or its loader is not in the image. */
export async function openCLibrary(files: RootFiles, { elf }: Binary): Promise<CLibrary | undefined> {
  const place = elf.loader === undefined ? undefined : findFile(files.view, elf.loader);
  if (elf.loader === undefined || place === undefined) return undefined;
  const isMusl = /\/ld-musl-[^/]*$/.test(elf.loader);
  const glibc = isMusl ? undefined : findGlibc(files, [place.path, elf.loader]);
  const [loader, library] = await Promise.all([
    openProgram(files, place),
    glibc === undefined ? undefined : openProgram(files, glibc),
  ]);
  if (library === undefined) return { kind: isMusl ? 'musl' : 'other', loader, library: loader };
  return { kind: 'glibc', loader, library };
}

/** Every distribution has it beside its loader, where that really lies, or in one of the loader's default directories. */
function findGlibc({ view }: RootFiles, loaders: readonly string[]): RootFile | undefined {
  const directories = [...loaders.map((path) => posix.dirname(path)), 'lib64', 'usr/lib64', 'lib', 'usr/lib'];
  for (const directory of directories) {
    const found = findFile(view, `${directory}/libc.so.6`);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The newest kernel that is asked for, and whose note asks. */
export interface KernelNeed {
  readonly version: KernelVersion;
  readonly file: Program;
}

/** Undefined: nothing has such a note. */
export function kernelNeed(program: Binary, library: CLibrary | undefined): KernelNeed | undefined {
  const files: readonly Program[] = library === undefined ? [program] : [library.library, library.loader, program];
  const needs = files.flatMap((file): KernelNeed[] => {
    const version = file.elf?.oldestKernel;
    return version === undefined ? [] : [{ version, file }];
  });
  return needs.toSorted((a, b) => compareVersions(b.version, a.version))[0];
}

/** `6.18.44-amd64` as three numbers. */
export function kernelVersion(release: string): KernelVersion {
  const [major = 0, minor = 0, patch = 0] = (/^\d+(\.\d+)*/.exec(release)?.[0] ?? '').split('.').map(Number);
  return [major, minor, patch];
}

export function compareVersions(a: KernelVersion, b: KernelVersion): number {
  const index = a.findIndex((part, at) => part !== b[at]);
  return index < 0 ? 0 : (a[index] ?? 0) - (b[index] ?? 0);
}

/** Above every C library that was looked at. */
const largestLibrary = 32 * 1024 * 1024;

/** `2.41`, from what the library would print of itself; undefined where it is not known how that looks. */
export async function readLibraryVersion(
  { store, helper }: RootFiles,
  { kind, library }: CLibrary,
): Promise<string | undefined> {
  if (kind === 'other') return undefined;
  const { path, layer } = library;
  const bytes = await helper.read({ root: store.diffDirectory(layer), path, max: largestLibrary, cut: true });
  return findLibraryVersion(kind, bytes ?? Buffer.alloc(0));
}

export function findLibraryVersion(kind: 'glibc' | 'musl', bytes: Buffer): string | undefined {
  const text = bytes.toString('latin1');
  // musl has its version as a string of its own, an address on the loopback network likewise.
  const pattern = kind === 'glibc' ? /GNU C Library \([^)]*\) \w+ release version (\d[\d.]*\d)/ : /\0(\d\.\d+\.\d+)\0/;
  return pattern.exec(text)?.[1];
}
