import { readImageConfig, requireImage } from '../image/read-image.ts';
import { loadAddon } from '../native/load.ts';
import type { ContainerConfig } from '../oci/config.ts';
import type { Digest } from '../oci/digest.ts';
import { formatPlatform } from '../oci/platform.ts';
import { defaultPath } from '../sandbox/defaults.ts';
import { mergedView } from '../store/merged.ts';
import type { Store } from '../store/types.ts';
import { readLibraryVersion } from './c-library.ts';
import type { Finding } from './finding.ts';
import { elfArchitecture, elfPlatform, kernelArchitecture } from './machine.ts';
import { accessOf } from './open-store.ts';
import type { OsRelease } from './os-release.ts';
import { readOsRelease } from './os-release.ts';
import { findCommand, openBinary } from './program.ts';
import { judge } from './runnable.ts';
import type { Verdict } from './runnable.ts';
import type { RootFiles } from './accounts.ts';

/** What an image is, what it needs of a machine, and whether this one has it. */
export interface ImageDiagnosis {
  readonly image: Digest;
  /** Of its config: `linux/arm64`. */
  readonly platform: string;
  /** Undefined: it has no os-release. */
  readonly release: OsRelease | undefined;
  /** Undefined: its programs are static, or it has none. */
  readonly cLibrary: CLibraryFacts | undefined;
  /** The oldest Linux that it says it runs on, `3.2.0`; undefined: it does not say. */
  readonly oldestKernel: string | undefined;
  /** What was looked at: the program that it starts with, and its shell. */
  readonly programs: readonly {
    readonly path: string;
    /** `linux/arm64` */
    readonly platform: string;
    /** Its dynamic loader; undefined: a static program. */
    readonly loader: string | undefined;
    readonly runsHere: boolean;
  }[];
  readonly findings: readonly Finding[];
}

export interface CLibraryFacts {
  readonly kind: 'glibc' | 'musl' | 'other';
  readonly version: string | undefined;
  readonly path: string;
}

/** Looks at an image without running anything of it. Throws TBUILD_IMAGE_NOT_FOUND. */
export async function examineImage(store: Store, name: string): Promise<ImageDiagnosis> {
  const { image } = await requireImage(store, name);
  await store.lease(image.chain.map(({ layer }) => layer));
  const { config = {} } = await readImageConfig(store, image);
  const view = mergedView(image.chain, (id) => store.listing(id));
  const files = { view, store, helper: accessOf(store).helper };
  const release = await readOsRelease(files);
  const verdicts = await judgePrograms(files, config);
  const library = verdicts.find((verdict) => verdict.library !== undefined)?.library;
  const cLibrary = library && {
    kind: library.kind,
    version: await readLibraryVersion(files, library),
    path: `/${library.library.path}`,
  };
  const [kernel] = verdicts.flatMap((verdict) => verdict.kernel ?? []);
  const platform = formatPlatform(image.platform);
  return {
    image: image.id,
    platform,
    release,
    cLibrary,
    oldestKernel: kernel?.version.join('.'),
    programs: verdicts.map(({ program, error }) => ({
      path: `/${program.path}`,
      platform: elfPlatform(program.elf),
      loader: program.elf.loader,
      runsHere: error === undefined,
    })),
    findings: [
      releaseFinding(release),
      ...architectureFindings(verdicts, image.platform.architecture, platform),
      libraryFinding(verdicts, cLibrary),
      kernelFinding(verdicts, kernel?.version.join('.')),
    ],
  };
}

/** Of the program that a container of the image starts with, and of its shell, where they are there. */
async function judgePrograms(files: RootFiles, config: ContainerConfig): Promise<readonly Verdict[]> {
  const { Entrypoint: entrypoint = [], Cmd: cmd = [], Shell: shell = [], Env: env = [], WorkingDir } = config;
  const searchPath = env.find((entry) => entry.startsWith('PATH='))?.slice('PATH='.length) ?? defaultPath;
  const workdir = WorkingDir === undefined || WorkingDir === '' ? '/' : WorkingDir;
  const names = [[...entrypoint, ...cmd][0], shell[0] ?? '/bin/sh'].filter((name) => name !== undefined);
  const verdicts = new Map<string, Verdict>();
  for (const name of names) {
    const file = findCommand(files.view, { name, searchPath, workdir });
    const program = file && (await openBinary(files, file));
    if (program !== undefined) verdicts.set(program.path, await judge(files, program));
  }
  return [...verdicts.values()];
}

function releaseFinding(release: OsRelease | undefined): Finding {
  return { status: 'ok', what: 'release', finding: release?.name ?? 'it has no /etc/os-release' };
}

function architectureFindings(verdicts: readonly Verdict[], configured: string, platform: string): readonly Finding[] {
  const what = 'architecture';
  const machine = kernelArchitecture(loadAddon().probe().machine);
  const [first] = verdicts;
  if (first === undefined) {
    const finding = `${platform}; it has no program that could be looked at: neither a shell nor what its config names`;
    return [{ status: 'ok', what, finding }];
  }
  const findings = verdicts.map(({ program, isNative, error }): Finding => {
    if (error?.code === 'TBUILD_FOREIGN_BINARY')
      return { status: 'failure', what, finding: error.message, remedy: error.hint };
    const how = { yes: '', perhaps: `; a linux/${machine} kernel may run that`, no: '; emulated here' }[isNative];
    return { status: 'ok', what, finding: `/${program.path} is a program for ${elfPlatform(program.elf)}${how}` };
  });
  const actual = elfArchitecture(first.program.elf);
  if (actual === undefined || actual === configured) return findings;
  const finding = `the image says that it is for ${platform}, which its programs are not`;
  const remedy = `make it anew with --platform linux/${actual}`;
  return [...findings, { status: 'warning', what, finding, remedy }];
}

function libraryFinding(verdicts: readonly Verdict[], library: CLibraryFacts | undefined): Finding {
  const what = 'C library';
  if (library !== undefined) {
    const name = { glibc: 'glibc', musl: 'musl', other: 'not known' }[library.kind];
    return { status: 'ok', what, finding: `${[name, library.version].join(' ').trim()}, ${library.path}` };
  }
  const missing = verdicts.find(({ program }) => program.elf.loader !== undefined)?.program;
  if (missing === undefined) return { status: 'ok', what, finding: verdicts.length === 0 ? 'none' : 'none: static' };
  return {
    status: 'failure',
    what,
    finding: `/${missing.path} needs the loader ${missing.elf.loader}, which is not in the image`,
    remedy: 'put the libraries of the program into the image, or link it statically',
  };
}

function kernelFinding(verdicts: readonly Verdict[], needed: string | undefined): Finding {
  const what = 'kernel';
  const refused = verdicts.find(({ error }) => error?.code === 'TBUILD_KERNEL_TOO_OLD')?.error;
  if (refused !== undefined) {
    const remedy = 'choose an older release of the base image, or a machine with a newer kernel';
    return { status: 'failure', what, finding: refused.message, remedy };
  }
  const { release } = loadAddon().probe();
  const need = needed === undefined ? 'it asks for no certain version' : `it asks for Linux ${needed} or newer`;
  return { status: 'ok', what, finding: `${need}; this is Linux ${release}` };
}
