import { check, readForRules } from '../../../src/checks/check-dockerfile.ts';
import type { CheckOutcome } from '../../../src/checks/check-dockerfile.ts';
import type { BaseConfig } from '../../../src/checks/look-into.ts';
import type { UsedImage } from '../../../src/checks/rule.ts';
import { compileIgnoreRules } from '../../../src/context/ignore-rules.ts';
import { parseIgnoreFile } from '../../../src/context/ignore-file.ts';
import { parseDockerfile } from '../../../src/dockerfile/parse.ts';
import { resolveStages } from '../../../src/dockerfile/stages.ts';
import { draftFromImage, onbuildTriggers } from '../../../src/image/draft.ts';
import type { ContainerConfig } from '../../../src/oci/config.ts';
import { hostPlatform } from '../../../src/oci/platform.ts';

export interface CheckWish {
  readonly buildArgs?: Readonly<Record<string, string>>;
  readonly target?: string;
  /** Text of the ignore file. */
  readonly ignore?: string;
  /** Of every image that a stage stands on. `'unknown'`: nobody knows it. */
  readonly base?: ContainerConfig | 'unknown' | undefined;
  readonly images?: readonly UsedImage[];
}

/** Checks a Dockerfile whose images have a config and no layers; without a target all stages are looked at. */
export function checkText(text: string, wish: CheckWish = {}): CheckOutcome {
  const { buildArgs = {}, target, ignore, base = {}, images = [] } = wish;
  const read = readForRules(text, 'Dockerfile', new Set());
  const dockerfile = parseDockerfile(text, 'Dockerfile');
  const platform = hostPlatform();
  const values = new Map(Object.entries(buildArgs));
  const resolved = resolveStages(dockerfile, { buildArgs: values, platform, target });
  const bases = new Map<number, BaseConfig>();
  if (base !== 'unknown') {
    const config = { ...platform, config: base, rootfs: { type: 'layers' as const, diff_ids: [] } };
    const known = { draft: draftFromImage(config), triggers: onbuildTriggers(config) };
    for (const { stage } of resolved.stages) bases.set(stage.index, known);
  }
  const build = {
    dockerfile,
    resolved,
    indexes: target === undefined ? dockerfile.stages.map(({ index }) => index) : resolved.reachable,
    buildArgs: values,
    platform,
    bases,
    images,
    ignore: ignore === undefined ? undefined : compileIgnoreRules({ path: 'i', lines: parseIgnoreFile(ignore, 'i') }),
  };
  return check(read.text, build, read.check);
}

/** `Rule: message (line N)` */
export function warningsOf(text: string, wish?: CheckWish): readonly string[] {
  return checkText(text, wish).findings.map(({ rule, message, span }) => `${rule}: ${message} (line ${span.line})`);
}

/** `Rule line` */
export function placesOf(text: string, wish?: CheckWish): readonly string[] {
  return checkText(text, wish).findings.map(({ rule, span }) => `${rule} ${span.line}`);
}
