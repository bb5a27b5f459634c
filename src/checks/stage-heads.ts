import { splitBlanks } from '../dockerfile/words.ts';
import type { CommentedInstruction, TextInput } from './rule.ts';

/** A FROM with what stands behind the image. */
export interface StageHead {
  readonly raw: CommentedInstruction;
  /** The word `AS`, as it is written. */
  readonly as: string | undefined;
  /** As it is written. */
  readonly name: string | undefined;
}

export function stageHeads({ instructions }: TextInput): readonly StageHead[] {
  return instructions
    .filter(({ name }) => name === 'from')
    .map((raw) => {
      const [, as, name] = splitBlanks(raw.args);
      return { raw, as, name };
    });
}
