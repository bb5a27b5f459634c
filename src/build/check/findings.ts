import type { IgnoreRules } from '../../context/ignore-rules.ts';
import { checksVersion } from '../../checks/checks-version.ts';
import type { Finding } from '../../checks/finding.ts';
import type { CheckOptions } from '../../dockerfile/check-options.ts';
import type { Dockerfile } from '../../dockerfile/instruction.ts';
import { checkArgument } from '../../dockerfile/predefined-args.ts';
import type { ResolvedStages } from '../../dockerfile/stages.ts';
import { sha256Hex } from '../../native/sha256.ts';
import { formatPlatform } from '../../oci/platform.ts';
import type { Store } from '../../store/types.ts';
import type { BuildInput } from '../input.ts';
import type { ResolvedOptions } from '../options.ts';
import type { Seen } from './seen.ts';

export interface FindingsRequest {
  readonly options: ResolvedOptions;
  readonly input: Pick<BuildInput, 'dockerfile' | 'key' | 'path' | 'bytes'>;
  readonly resolved: ResolvedStages;
  readonly seen: Seen;
  /** Undefined: no step has asked for files of the context. */
  readonly ignore: IgnoreRules | undefined;
}

/** What the rules say of a build. Kept under all that it depends on, so that a cached build reads one small value and loads no rule. */
export async function readFindings(store: Store, request: FindingsRequest): Promise<readonly Finding[]> {
  const name = sha256Hex(`checks ${checksVersion}\n${JSON.stringify(dependencies(request))}`);
  const kept = await store.readValue('dockerfiles', name);
  if (kept !== undefined) return kept as readonly Finding[];
  const { findInBuild } = await import('./find-in-build.ts');
  const findings = await findInBuild(request);
  await store.writeValue('dockerfiles', name, findings);
  return findings;
}

function dependencies({ options, input, resolved, seen, ignore }: FindingsRequest): unknown {
  const { buildArgs, platform } = options;
  return [
    input.key,
    buildArgs,
    resolved.target,
    formatPlatform(platform),
    // A named context may stand in the place of a stage.
    resolved.stages.map(({ base }) => (base.kind === 'stage' ? base.index : base)),
    // Stages are solved in parallel: in the order in which they are known they would be another list every time.
    [...seen.bases].map(([index, { id }]) => [index, id] as const).toSorted(([left], [right]) => left - right),
    seen.images.map(({ name, span, platform: own }) => `${span.line} ${name} ${formatPlatform(own)}`).toSorted(),
    ignore?.key,
  ];
}

/** What the directive says, or the build argument in its place. Throws TBUILD_USAGE. */
export async function checkOptionsOf(
  { check }: Pick<Dockerfile, 'check'>,
  buildArgs: ResolvedOptions['buildArgs'],
): Promise<CheckOptions> {
  const argument = buildArgs[checkArgument];
  if (!argument) return check;
  const { parseCheckArgument } = await import('../../dockerfile/check-options.ts');
  return parseCheckArgument(argument);
}
