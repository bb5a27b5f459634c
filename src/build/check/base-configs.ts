import type { ResolvedStage } from '../../dockerfile/stages.ts';
import { isTbuildError } from '../../errors.ts';
import type { TbuildError } from '../../errors.ts';
import { draftFromImage, onbuildTriggers } from '../../image/draft.ts';
import { sha256Hex } from '../../native/sha256.ts';
import type { Platform } from '../../oci/platform.ts';
import { firstFailure } from '../../util/first-failure.ts';
import type { BuildAccess } from '../access.ts';
import { readBaseConfig } from '../calls/base-config.ts';
import { stagePlatform } from '../stage-platform.ts';
import { seePlatform } from './seen.ts';
import type { Seen, SeenBase } from './seen.ts';

export interface SeenBases {
  readonly seen: Seen;
  /** `sha256:…` by the name as it is written, where it is known. */
  readonly digests: ReadonlyMap<string, string>;
  /** The first that could not be found, in the order of the stages. */
  readonly problem: TbuildError | undefined;
}

/** The configs of the images that stages stand on. No layer is fetched, and nothing kept. */
export async function seeBases(access: BuildAccess, stages: readonly ResolvedStage[]): Promise<SeenBases> {
  const names = stages.flatMap(({ stage }) => stage.name ?? []);
  const found = await Promise.all(stages.map((stage) => seeBase(access, stage, names)));
  const seen: Seen = { bases: new Map(), images: [] };
  const digests = new Map<string, string>();
  let problem: TbuildError | undefined;
  for (const outcome of found) {
    if (outcome === undefined) continue;
    if (outcome instanceof Error) {
      problem ??= outcome;
      continue;
    }
    const { stage, name, platform, base, digest } = outcome;
    if (digest !== undefined) digests.set(name, digest);
    seen.bases.set(stage.index, base);
    // Whoever gives a named context has chosen it; docker says nothing either.
    if (access.options.buildContexts.find(name) === undefined) {
      seePlatform(seen, base, { name, platform, span: stage.span });
    }
  }
  return { seen, digests, problem };
}

interface FoundBase {
  readonly stage: ResolvedStage['stage'];
  readonly name: string;
  readonly platform: Platform;
  readonly base: SeenBase;
  readonly digest: string | undefined;
}

async function seeBase(
  access: BuildAccess,
  { stage, base, platform: text }: ResolvedStage,
  stages: readonly string[],
): Promise<FoundBase | TbuildError | undefined> {
  if (base.kind !== 'image') return undefined;
  const { name } = base;
  try {
    const platform = text === undefined ? access.options.platform : stagePlatform(text, stage.span);
    const { config, digest } = await readBaseConfig(access, { name, platform, span: stage.span, stages });
    const id = `config ${sha256Hex(JSON.stringify(config))}`;
    const seen = { id, draft: draftFromImage(config), triggers: onbuildTriggers(config) };
    return { stage, name, platform, base: seen, digest };
  } catch (error) {
    access.signal.throwIfAborted();
    const failure = firstFailure(error);
    if (isTbuildError(failure)) return failure;
    throw failure;
  }
}
