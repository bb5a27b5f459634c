import type { RunInstruction } from '../../dockerfile/instruction.ts';
import { readMount } from '../../dockerfile/run-mount.ts';
import { isTbuildError } from '../../errors.ts';
import { visibleVariables } from '../../image/draft.ts';
import type { Listing } from '../../store/types.ts';
import type { LookedStep } from '../looked.ts';
import type { EvidenceRule } from '../rule.ts';
import { resolveIn, runCommands } from '../run-commands.ts';
import type { PlacedCommand } from '../run-commands.ts';
import { removedPaths } from '../removed-paths.ts';
import { targetChain } from '../target-chain.ts';
import { packageCaches } from '../tools/package-caches.ts';
import type { PackageCache } from '../tools/package-caches.ts';
import { formatBytes } from '../words.ts';

export const packageCacheInLayer: EvidenceRule = {
  over: 'evidence',
  name: 'PackageCacheInLayer',
  description: "A package manager's cache should not be left in a layer of the image",
  why: 'It makes the image larger and is never used: whoever installs something later fetches lists and packages again. A later RUN cannot take it out of the layer.',
  fix: 'Remove it in the same RUN, tell the package manager not to keep it, or mount a cache there: RUN --mount=type=cache,target=DIRECTORY.',
  *find(input) {
    for (const step of targetChain(input)) {
      if (step.expanded.kind !== 'run') continue;
      const commands = runCommands(step.expanded, step.draft.config.WorkingDir ?? '/');
      for (const cache of packageCaches) {
        if (!leaves(cache, { step, run: step.expanded, commands })) continue;
        const { listing } = input.evidence.past.get(step) ?? {};
        const bytes = listing === undefined ? undefined : bytesOf(listing, cache);
        // What it was seen not to leave is nothing to warn of.
        if (bytes === 0) continue;
        const size = bytes === undefined ? '' : ` (${formatBytes(bytes)})`;
        const message = `${cache.tool} leaves its cache in ${cache.directories[0]}${size}: ${cache.advice}`;
        yield { message, span: step.span };
      }
    }
  },
};

interface Running {
  readonly step: LookedStep;
  readonly run: RunInstruction;
  readonly commands: readonly PlacedCommand[];
}

function leaves(cache: PackageCache, { step, run, commands }: Running): boolean {
  const last = commands.findLastIndex((command) => cache.fills(command));
  const filling = commands[last];
  if (filling === undefined) return false;
  const assigned = [...visibleVariables(step.draft).keys(), ...commands.flatMap(assignedNames)];
  if (cache.variables.some((name) => assigned.includes(name))) return false;
  const later = commands.slice(last + 1);
  if (later.some((command) => cache.empties(command))) return false;
  const removed = later.flatMap(removedPaths);
  const gone = [...removed, ...run.mounts.flatMap((flag) => mountTarget(flag, step))];
  return !gone.some((path) => cache.directories.some((directory) => covers(path, directory)));
}

/** `A=1 command` and `export A=1` */
function assignedNames({ program, args, assignments }: PlacedCommand): readonly string[] {
  const words = program === 'export' ? args : assignments;
  return words.map((word) => word.split('=', 1)[0] ?? '');
}

function mountTarget(flag: RunInstruction['mounts'][number], { draft }: LookedStep): readonly string[] {
  try {
    const { target } = readMount(flag);
    const path = target === undefined ? undefined : resolveIn(draft.config.WorkingDir ?? '/', target);
    return path === undefined ? [] : [path];
  } catch (error) {
    // What is no mount fails the build, with a message of its own.
    if (isTbuildError(error)) return [];
    throw error;
  }
}

function covers(path: string, directory: string): boolean {
  const whole = inHome(directory, path);
  return whole === path || whole.startsWith(`${path}/`);
}

function bytesOf(listing: Listing, { directories }: PackageCache): number {
  let bytes = 0;
  for (const { path, type, size } of listing.entries()) {
    const whole = `/${path}`;
    const isCached = directories.some((directory) => whole.startsWith(`${inHome(directory, whole)}/`));
    if (type === 'file' && isCached) bytes += size;
  }
  return bytes;
}

/** A directory below a home, in the home that the path is in. */
function inHome(directory: string, path: string): string {
  if (!directory.startsWith('~')) return directory;
  return `${/^(\/home\/[^/]+|\/root)(\/|$)/.exec(path)?.[1] ?? '/root'}${directory.slice(1)}`;
}
