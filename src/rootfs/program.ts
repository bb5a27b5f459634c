import { isTbuildError } from '../errors.ts';
import { sha256Hex } from '../native/sha256.ts';
import { readAbiTag, readElfHeaders } from '../util/elf.ts';
import type { ElfHeaders, ElfSegment, KernelVersion } from '../util/elf.ts';
import type { RootFiles } from './accounts.ts';
import type { MergedView } from '../store/merged.ts';
import type { LayerId, Store } from '../store/types.ts';

/** A regular file of a chain of layers. */
export interface RootFile {
  /** Without leading slash, and without symlinks. */
  readonly path: string;
  readonly layer: LayerId;
  readonly mode: number;
}

/** What the kernel and the dynamic loader go by when they start a file. */
export interface ProgramFacts {
  /** The first bytes. */
  readonly head: Buffer;
  /** Undefined: not ELF. */
  readonly elf: ElfFacts | undefined;
}

export interface ElfFacts extends Pick<ElfHeaders, 'machine' | 'bits' | 'isLittleEndian'> {
  /** Path of its dynamic loader; undefined for a library or a static program. */
  readonly loader: string | undefined;
  /** Undefined where no note NT_GNU_ABI_TAG tells. */
  readonly oldestKernel: KernelVersion | undefined;
}

export interface Program extends RootFile, ProgramFacts {}

/** An ELF file. */
export interface Binary extends Program {
  readonly elf: ElfFacts;
}

/** Per store handle: every RUN asks. */
const known = new WeakMap<Store, Map<string, Promise<ProgramFacts>>>();

/** Looks at a file, once for all builds: a layer never changes, so that what was found is kept in the store. */
export async function openProgram(files: RootFiles, file: RootFile): Promise<Program> {
  const { store } = files;
  const facts = known.get(store) ?? new Map<string, Promise<ProgramFacts>>();
  known.set(store, facts);
  const name = sha256Hex(`program 1\n${file.layer}\n${file.path}`);
  let found = facts.get(name);
  if (found === undefined) {
    found = recall(files, file, name);
    facts.set(name, found);
    found.catch(() => facts.delete(name));
  }
  return { ...file, ...(await found) };
}

async function recall(files: RootFiles, file: RootFile, name: string): Promise<ProgramFacts> {
  const kept = (await files.store.readValue('programs', name)) as { head: string; elf: ElfFacts | null } | undefined;
  if (kept !== undefined) return { head: Buffer.from(kept.head, 'base64'), elf: kept.elf ?? undefined };
  const { head, elf } = await examine(files, file);
  await files.store.writeValue('programs', name, { head: head.toString('base64'), elf: elf ?? null });
  return { head, elf };
}

/** What a handler of binfmt_misc, and the line `#!`, can reach (the kernel's BINPRM_BUF_SIZE). */
const headBytes = 256;
/** Holds the program headers of every file that a linker makes. */
const headersBytes = 4096;
const longestPiece = 64 * 1024;
/** A file has three or four notes; one with thousands was made to keep us busy. */
const mostNotes = 16;

async function examine({ store, helper }: RootFiles, { path, layer }: RootFile): Promise<ProgramFacts> {
  const root = store.diffDirectory(layer);
  const read = async (offset: number, max: number): Promise<Buffer> =>
    (await helper.read({ root, path, offset, max, cut: true })) ?? Buffer.alloc(0);
  const start = await read(0, headersBytes);
  const head = start.subarray(0, headBytes);
  const headers = readElfHeaders(start);
  if (headers === undefined) return { head, elf: undefined };
  const piece = async ({ offset, size }: ElfSegment): Promise<Buffer> => {
    const length = Math.min(size, longestPiece);
    if (offset + length <= start.length) return start.subarray(offset, offset + length);
    return Number.isSafeInteger(offset) ? read(offset, length) : Buffer.alloc(0);
  };
  const notes = headers.notes.slice(0, mostNotes);
  const [loader, ...pieces] = await Promise.all([
    headers.interpreter === undefined ? Buffer.alloc(0) : piece(headers.interpreter),
    ...notes.map(piece),
  ]);
  const { machine, bits, isLittleEndian } = headers;
  const oldestKernel = notes
    .map((note, index) => readAbiTag(headers, note, pieces[index] ?? Buffer.alloc(0)))
    .find((version) => version !== undefined);
  const loaderPath = loader.toString('utf8').replace(/\0.*$/s, '');
  const elf = { machine, bits, isLittleEndian, loader: loaderPath === '' ? undefined : loaderPath, oldestKernel };
  return { head, elf };
}

export interface CommandName {
  readonly name: string;
  /** Of the command's environment. */
  readonly searchPath: string;
  readonly workdir: string;
}

/** Where the kernel would find a command, as execvpe(3) looks for it; undefined where nothing executable is. */
export function findCommand(view: MergedView, { name, searchPath, workdir }: CommandName): RootFile | undefined {
  const paths = name.includes('/') ? [name] : searchPath.split(':').map((directory) => `${directory || '.'}/${name}`);
  for (const path of paths) {
    const found = findFile(view, path.startsWith('/') ? path : `${workdir}/${path}`);
    if (found !== undefined && (found.mode & 0o111) !== 0) return found;
  }
  return undefined;
}

/** Symlinks are followed inside the root. */
export function findFile(view: MergedView, path: string): RootFile | undefined {
  try {
    const { path: physical, entry, layer } = view.resolve(path, { followLast: true });
    return entry?.type === 'file' && layer !== undefined ? { path: physical, layer, mode: entry.mode } : undefined;
  } catch (error) {
    // Symlinks that go round in circles lead to no file.
    if (isTbuildError(error, 'TBUILD_COPY')) return undefined;
    throw error;
  }
}

// As the kernel, which then gives up with ELOOP.
const mostInterpreters = 5;

/** The program that runs in the end: of a script the interpreter in its first line, of that one perhaps again. Undefined when it is not there, or not ELF. */
export async function openBinary(files: RootFiles, command: RootFile): Promise<Binary | undefined> {
  let file: RootFile | undefined = command;
  for (let depth = 0; file !== undefined && depth <= mostInterpreters; depth++) {
    const program: Program = await openProgram(files, file);
    const { elf } = program;
    if (elf !== undefined) return { ...program, elf };
    const interpreter = scriptInterpreter(program.head);
    file = interpreter === undefined ? undefined : findFile(files.view, interpreter);
  }
  return undefined;
}

/** `#!/bin/sh -e` (execve(2), "Interpreter scripts"). A relative one depends on the working directory and is not followed. */
function scriptInterpreter(head: Buffer): string | undefined {
  return /^#![ \t]*(\/[^ \t\n\0]+)/.exec(head.toString('latin1'))?.[1];
}
