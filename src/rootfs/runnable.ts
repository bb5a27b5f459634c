import { TbuildError } from '../errors.ts';
import type { KernelFacts } from '../native/addon.ts';
import { loadAddon } from '../native/load.ts';
import type { RootFiles } from './accounts.ts';
import { handlersFor, readEmulation } from './binfmt.ts';
import type { BinfmtHandler } from './binfmt.ts';
import { compareVersions, kernelNeed, kernelVersion, openCLibrary } from './c-library.ts';
import type { CLibrary, KernelNeed } from './c-library.ts';
import { elfPlatform, kernelArchitecture, runsNatively } from './machine.ts';
import { isEmulated } from './probe-emulation.ts';
import { findCommand, findFile, openBinary } from './program.ts';
import type { Binary, CommandName } from './program.ts';

/** What a program needs of a machine, and whether this one has it. */
export interface Verdict {
  readonly program: Binary;
  readonly isNative: 'yes' | 'perhaps' | 'no';
  /** Undefined: a static program, or its loader is not in the image. */
  readonly library: CLibrary | undefined;
  /** Undefined: nothing says so. */
  readonly kernel: KernelNeed | undefined;
  /** It cannot run here, and why. What cannot be known is not held against it. */
  readonly error: TbuildError | undefined;
}

type Kernel = Pick<KernelFacts, 'release' | 'machine'>;

export async function judge(files: RootFiles, program: Binary): Promise<Verdict> {
  const running = loadAddon().probe();
  const isNative = runsNatively(running.machine, program.elf);
  const library = await openCLibrary(files, program);
  const kernel = kernelNeed(program, library);
  const obstacle = isNative === 'no' ? await findObstacle(files, program) : undefined;
  const isTooOld = kernel !== undefined && compareVersions(kernel.version, kernelVersion(running.release)) > 0;
  const error =
    obstacle === undefined
      ? isTooOld
        ? kernelTooOld(kernel, running, library)
        : undefined
      : foreignBinary(program, running, obstacle);
  return { program, isNative, library, kernel, error };
}

export interface CommandPlace extends CommandName {
  /** Paths inside over which something of this machine is mounted: what is there is not the image's. */
  readonly covered: readonly string[];
}

/**
 * Refuses a command that could only fail in a puzzling way: TBUILD_FOREIGN_BINARY for a program of another architecture that nothing emulates, TBUILD_KERNEL_TOO_OLD where it or its C library asks
 * for a newer kernel. Each file is looked at once.
 */
export async function refuseUnrunnable(files: RootFiles, command: CommandPlace): Promise<void> {
  const program = await openCommand(files, command);
  if (program === undefined) return;
  const { error, library } = await judge(files, program);
  const isKnown = library === undefined || !isCovered(command, library.library.path);
  if (error !== undefined && isKnown) throw error;
}

/** The kernel refused to execute a command, as nothing that it knows: the error that says why, where the reason is the architecture. */
export async function explainRefusal(files: RootFiles, command: CommandPlace): Promise<TbuildError | undefined> {
  const program = await openCommand(files, command);
  if (program === undefined) return undefined;
  const running = loadAddon().probe();
  const isNative = runsNatively(running.machine, program.elf) === 'yes';
  return isNative ? undefined : foreignBinary(program, running, noEmulator);
}

async function openCommand(files: RootFiles, command: CommandPlace): Promise<Binary | undefined> {
  const found = findCommand(files.view, command);
  if (found === undefined || isCovered(command, found.path)) return undefined;
  const program = await openBinary(files, found);
  return program === undefined || isCovered(command, program.path) ? undefined : program;
}

function isCovered({ covered }: CommandPlace, path: string): boolean {
  return covered.some((target) => `/${path}/`.startsWith(`${target.replace(/\/+$/, '')}/`));
}

interface Obstacle {
  readonly reason: string;
  readonly remedy: string | undefined;
}

const noEmulator: Obstacle = { reason: 'no emulator is registered for it', remedy: undefined };

/** What keeps a foreign program from being emulated; undefined: it is. */
async function findObstacle(files: RootFiles, { head }: Binary): Promise<Obstacle | undefined> {
  const emulation = readEmulation();
  if (emulation.kind === 'seen') return emulationObstacle(files, handlersFor(emulation.handlers, head));
  return (await isEmulated(files.store, head)) ? undefined : noEmulator;
}

/** @param handlers those that take the program, as {@link handlersFor} gives them */
export function emulationObstacle(
  files: Pick<RootFiles, 'view'>,
  handlers: readonly BinfmtHandler[],
): Obstacle | undefined {
  const [first] = handlers;
  if (first === undefined) return noEmulator;
  if (handlers.some((handler) => handler.isEnabled && isThere(files, handler))) return undefined;
  if (!first.isEnabled) {
    const remedy = `switch it on, as root: echo 1 > /proc/sys/fs/binfmt_misc/${first.name}`;
    return { reason: `its emulator ${first.name} is switched off`, remedy };
  }
  const remedy = 'register it with the flag F (Debian: apt-get install qemu-user-static), or put it into the image';
  return { reason: `its emulator ${first.interpreter} is looked for in the image, which does not have it`, remedy };
}

function isThere({ view }: Pick<RootFiles, 'view'>, { flags, interpreter }: BinfmtHandler): boolean {
  return flags.includes('F') || findFile(view, interpreter) !== undefined;
}

function foreignBinary({ path, elf }: Binary, { machine }: Kernel, { reason, remedy }: Obstacle): TbuildError {
  const [theirs, ours] = [elfPlatform(elf), `linux/${kernelArchitecture(machine)}`];
  return new TbuildError(
    'TBUILD_FOREIGN_BINARY',
    `/${path} of the image is a program for ${theirs}, this machine is ${ours}, and ${reason}`,
    {
      hint:
        remedy ??
        `build for ${ours}, on a machine of the other kind, or install an emulator (Debian: apt-get install qemu-user-static)`,
      details: { path: `/${path}`, program: theirs, machine: ours },
    },
  );
}

function kernelTooOld({ version, file }: KernelNeed, { release }: Kernel, library: CLibrary | undefined): TbuildError {
  const needed = version.join('.');
  const what = library === undefined ? 'a program' : 'the C library';
  return new TbuildError(
    'TBUILD_KERNEL_TOO_OLD',
    `${what} of the image asks for Linux ${needed} or newer, and this machine runs Linux ${release}: /${file.path}`,
    {
      hint: 'choose an older release of the base image, or a machine with a newer kernel; `tbuild doctor IMAGE` says more',
      details: { path: `/${file.path}`, needed, running: release },
    },
  );
}
