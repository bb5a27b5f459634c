import { contextSources } from '../context-sources.ts';
import type { LookedStep } from '../looked.ts';
import type { EvidenceInput, EvidenceRule, RuleFinding } from '../rule.ts';
import { runCommands } from '../run-commands.ts';
import { findInstall } from '../tools/installs.ts';
import type { Install } from '../tools/installs.ts';
import { formatSeconds, shortText, times } from '../words.ts';

export const copyBeforeInstall: EvidenceRule = {
  over: 'evidence',
  name: 'CopyBeforeInstall',
  description: 'Dependencies should be installed before the rest of the sources is copied',
  why: 'A step runs again when a file changes that was copied before it: with all sources there, every edit installs the dependencies anew.',
  fix: 'Copy the manifest and the lock file by name, install the dependencies, and copy the rest below.',
  *find(input) {
    const ends = new Map<number, Progress>();
    for (const { stage, base, steps } of input.looked) {
      const start = base.kind === 'stage' ? ends.get(base.index) : undefined;
      const progress = { copies: [...(start?.copies ?? [])], installed: new Set(start?.installed) };
      ends.set(stage.index, progress);
      for (const step of steps) yield* inStep(step, progress, input);
    }
  },
};

/** What has happened in a stage, and in those that it is based on. */
interface Progress {
  /** Those that took a directory. */
  readonly copies: LookedStep[];
  /** Manifests of what was installed. */
  readonly installed: Set<string>;
}

function* inStep(step: LookedStep, { copies, installed }: Progress, input: EvidenceInput): Generator<RuleFinding> {
  const { expanded, draft } = step;
  if (takesDirectory(step, input)) copies.push(step);
  if (expanded.kind !== 'run') return;
  for (const command of runCommands(expanded, draft.config.WorkingDir ?? '/')) {
    const install = findInstall(command);
    const [manifest = ''] = install?.manifests ?? [];
    // The second time it is about something else: without what is needed for development only, say.
    if (install === undefined || installed.has(manifest)) continue;
    installed.add(manifest);
    // What is built again with what was downloaded before at hand has its remedy.
    if (install.instead !== undefined && expanded.mounts.length > 0) continue;
    const copy = copies.find((each) => brings(each, install, input));
    if (copy !== undefined) yield { message: describe(copy, { step, install }, input), span: copy.span };
  }
}

function takesDirectory(step: LookedStep, { evidence }: EvidenceInput): boolean {
  const listed = evidence.copied.get(step);
  if (listed !== undefined) return listed.some(({ cameAlong }) => cameAlong);
  return contextSources(step.expanded).some((source) => /^[./]*$/.test(source) || source.endsWith('/'));
}

/** The manifest and something else. Where it is not known which files there are, they are supposed to be. */
function brings(step: LookedStep, { manifests }: Install, { evidence }: EvidenceInput): boolean {
  const along = evidence.copied.get(step)?.filter(({ cameAlong }) => cameAlong);
  if (along === undefined) return true;
  const [manifest = ''] = manifests;
  const isManifest = (path: string): boolean => manifests.some((name) => isNamed(path, name));
  return along.some(({ path }) => isNamed(path, manifest)) && along.some(({ path }) => !isManifest(path));
}

function isNamed(path: string, pattern: string): boolean {
  // Those of others, which come along with what was installed.
  if (/(^|\/)(node_modules|vendor|site-packages)\//.test(path)) return false;
  const name = path.slice(path.lastIndexOf('/') + 1);
  const [before = '', after] = pattern.split('*');
  return after === undefined ? name === pattern : name.startsWith(before) && name.endsWith(after);
}

interface Installing {
  readonly step: LookedStep;
  readonly install: Install;
}

function describe(copy: LookedStep, { step, install }: Installing, { evidence }: EvidenceInput): string {
  const { manifests, command, instead } = install;
  const { keyword } = copy.raw;
  const past = evidence.past.get(step);
  const count = past?.reruns(copy.instruction.text) ?? 0;
  const cost = [
    ...(past === undefined ? [] : [`it took ${formatSeconds(past.durationMs)} when it last ran`]),
    ...(count === 0 ? [] : [`it ran again ${times(count)} because of this ${keyword}`]),
  ];
  const costs = cost.length === 0 ? '' : ` (${cost.join(', and ')})`;
  const along = evidence.copied.get(copy);
  const present = manifests.filter((name) => along?.some(({ path }) => isNamed(path, name)) ?? true);
  const first = instead === undefined ? '' : ` and run ${instead}`;
  return `"${shortText(copy.instruction.text)}" stands before ${command} in line ${step.span.line}, which any change of its files makes run again${costs}: copy ${present.join(' and ')} first${first}`;
}
