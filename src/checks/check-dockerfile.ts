import type { IgnoreRules } from '../context/ignore-rules.ts';
import type { CheckOptions } from '../dockerfile/check-options.ts';
import { platformArgs } from '../dockerfile/predefined-args.ts';
import { splitInstructions } from '../dockerfile/split-instructions.ts';
import type { OverriddenDirectives } from '../dockerfile/directives.ts';
import type { TbuildError } from '../errors.ts';
import { hostPlatform } from '../oci/platform.ts';
import type { Finding } from './finding.ts';
import { lookInto } from './look-into.ts';
import type { Looking } from './look-into.ts';
import type { BuildInput, TextInput, UsedImage } from './rule.ts';
import { runRules } from './run-rules.ts';
import { textInput } from './text-input.ts';

/** What a Dockerfile means in one build. */
export interface CheckedBuild extends Omit<Looking, 'text'> {
  /** Images whose platform is not the one that was asked for. */
  readonly images: readonly UsedImage[];
  readonly ignore: IgnoreRules | undefined;
}

export interface CheckOutcome {
  readonly findings: readonly Finding[];
  /** Why the build would fail, as far as that can be seen without doing anything. */
  readonly problem: TbuildError | undefined;
}

/** Text of a Dockerfile for the rules, and what its directive says. Throws what the parser throws. */
export function readForRules(
  text: string,
  file: string,
  overridden: OverriddenDirectives,
): { readonly text: TextInput; readonly check: CheckOptions } {
  const split = splitInstructions(text, file, overridden);
  return { text: textInput(split), check: split.directives.check };
}

/** Asks all rules. Pure. Without a build only those that need nothing but the text. */
export function check(text: TextInput, build: CheckedBuild | undefined, options: CheckOptions): CheckOutcome {
  if (build === undefined) return { findings: runRules(text, undefined, options), problem: undefined };
  const { input, problem } = look(text, build);
  return { findings: runRules(text, input, options), problem };
}

/** What rules over a build are asked about, and why the build would fail. Pure. */
export function look(
  text: TextInput,
  build: CheckedBuild,
): { readonly input: BuildInput; readonly problem: TbuildError | undefined } {
  const { stages, problem } = lookInto({ ...build, text });
  return { input: { ...text, ...buildInput(build), looked: stages }, problem };
}

function buildInput({
  dockerfile,
  resolved,
  platform,
  images,
  ignore,
}: CheckedBuild): Omit<BuildInput, keyof TextInput | 'looked'> {
  const { stages, globalArgs } = dockerfile;
  const targetStage = stages[resolved.target]?.name;
  return {
    stages,
    globalArgs,
    platformArgs: platformArgs({ target: platform, build: hostPlatform(), targetStage }),
    globals: resolved.globalArgs,
    images,
    ignore,
  };
}
