import type { ArgInstruction, Stage } from '../dockerfile/instruction.ts';
import type { RawInstruction } from '../dockerfile/raw-instruction.ts';
import type { SourceSpan } from '../errors.ts';
import type { IgnoreRules } from '../context/ignore-rules.ts';
import type { Evidence } from './evidence.ts';
import type { LookedStage } from './looked.ts';
import type { Platform } from '../oci/platform.ts';

/** One thing that is looked for in Dockerfiles. */
export type Rule = TextRule | BuildRule | EvidenceRule;

interface Base {
  /** As docker has it, where docker has the rule. */
  readonly name: string;
  /** What is demanded, in a sentence. */
  readonly description: string;
  /** Why that is better, for people who meet the rule for the first time. */
  readonly why: string;
  /** What to write instead. */
  readonly fix: string;
  /** Looked at only where `experimental=` names it. @default false */
  readonly isExperimental?: boolean;
  /** Docker has the rule and tells nothing of it. @default false */
  readonly hasNoPage?: boolean;
}

/** Needs nothing but the text, and so is looked at even where the file is no Dockerfile that could be built. */
export interface TextRule extends Base {
  readonly over: 'text';
  readonly find: (input: TextInput) => Iterable<RuleFinding>;
}

/** Needs to know what the instructions come to in a build. */
export interface BuildRule extends Base {
  readonly over: 'build';
  readonly find: (input: BuildInput) => Iterable<RuleFinding>;
}

/** Needs more than the Dockerfile and the configs of its bases, and so is asked with `--check` only (docs/decisions/0013-own-rules.md). */
export interface EvidenceRule extends Base {
  readonly over: 'evidence';
  /** Asked with `--check=strict` only. @default false */
  readonly isStrict?: boolean;
  readonly find: (input: EvidenceInput) => Iterable<RuleFinding>;
}

export interface RuleFinding {
  readonly message: string;
  readonly span: SourceSpan;
}

export interface TextInput {
  readonly escape: string;
  /** Of the whole file, in its order. */
  readonly instructions: readonly CommentedInstruction[];
}

export interface CommentedInstruction extends RawInstruction {
  /** The comments between the instruction before and this one, without `#` and the blanks around them. Parser directives are none. */
  readonly comments: readonly string[];
}

/** A Dockerfile with the arguments of one build. */
export interface BuildInput extends TextInput {
  /** All of the file. */
  readonly stages: readonly Stage[];
  /** What stands before the first FROM. */
  readonly globalArgs: readonly ArgInstruction[];
  /** The arguments that are there without ARG, of the platforms, with their values. */
  readonly platformArgs: ReadonlyMap<string, string>;
  /** What those of before the first FROM and of the platforms come to in this build. */
  readonly globals: ReadonlyMap<string, string>;
  /** The stages that are looked into: those that the target needs; without a target, all. In the order of the file. */
  readonly looked: readonly LookedStage[];
  /** Images that are not of the platform that was asked for. */
  readonly images: readonly UsedImage[];
  /** What of the build context is left out; undefined: not known. */
  readonly ignore: IgnoreRules | undefined;
}

/** With what there is beside the Dockerfile. */
export interface EvidenceInput extends BuildInput {
  /** Index of the stage to build. */
  readonly target: number;
  /** Whether --build-context gives the name a meaning. */
  readonly isNamedContext: (name: string) => boolean;
  readonly evidence: Evidence;
}

export interface UsedImage {
  /** After expansion. */
  readonly name: string;
  readonly platform: Platform;
  readonly expected: Platform;
  /** Of the instruction that names it. */
  readonly span: SourceSpan;
}
