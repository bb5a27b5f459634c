import type { StageSource } from '../dockerfile/find-stage.ts';
import type { Instruction, Stage } from '../dockerfile/instruction.ts';
import type { RawInstruction } from '../dockerfile/raw-instruction.ts';
import type { SourceSpan } from '../errors.ts';
import type { ImageDraft } from '../image/draft.ts';

export interface LookedStage {
  readonly stage: Stage;
  readonly base: StageSource;
  /** Whether the base's config is known: without it nobody knows its variables. */
  readonly isBaseKnown: boolean;
  /** The triggers of the base, then the instructions of the stage, up to one that would fail. */
  readonly steps: readonly LookedStep[];
  /** Also those of the instruction that would fail. */
  readonly undefinedNames: readonly UndefinedNames[];
}

/** What an instruction refers to and neither ENV nor ARG declares. */
export interface UndefinedNames {
  /** At least one, in the order in which they are met. */
  readonly names: readonly string[];
  /** Before the instruction. */
  readonly draft: ImageDraft;
  readonly span: SourceSpan;
}

export interface LookedStep {
  /** As written. */
  readonly instruction: Instruction;
  /** With variables expanded. */
  readonly expanded: Instruction;
  /** Before the instruction. */
  readonly draft: ImageDraft;
  /** Its line; of a trigger, made from what the base says. */
  readonly raw: Pick<RawInstruction, 'name' | 'keyword' | 'args'>;
  readonly span: SourceSpan;
}
