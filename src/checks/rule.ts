import type { StageSource } from '../dockerfile/find-stage.ts';
import type { ArgInstruction, Instruction, Stage } from '../dockerfile/instruction.ts';
import type { RawInstruction } from '../dockerfile/raw-instruction.ts';
import type { SourceSpan } from '../errors.ts';
import type { IgnoreRules } from '../context/ignore-rules.ts';
import type { ImageDraft } from '../image/draft.ts';
import type { Platform } from '../oci/platform.ts';

/** One thing that is looked for in Dockerfiles. */
export type Rule = TextRule | BuildRule;

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

export interface LookedStage {
  readonly stage: Stage;
  readonly base: StageSource;
  /** Whether the base's config is known: without it nobody knows its variables. */
  readonly isBaseKnown: boolean;
  /** The triggers of the base, then the instructions of the stage, up to one that would fail. */
  readonly steps: readonly LookedStep[];
}

export interface LookedStep {
  /** As written. */
  readonly instruction: Instruction;
  /** With variables expanded. */
  readonly expanded: Instruction;
  /** Before the instruction. */
  readonly draft: ImageDraft;
  /** Names that the instruction refers to and that neither ENV nor ARG declares, in the order in which they are met. */
  readonly undefinedNames: readonly string[];
  /** Its line; of a trigger, made from what the base says. */
  readonly raw: Pick<RawInstruction, 'name' | 'keyword' | 'args'>;
  readonly span: SourceSpan;
}

export interface UsedImage {
  /** After expansion. */
  readonly name: string;
  readonly platform: Platform;
  readonly expected: Platform;
  /** Of the instruction that names it. */
  readonly span: SourceSpan;
}
