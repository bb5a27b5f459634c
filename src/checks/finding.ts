import type { SourceSpan } from '../errors.ts';

/** What a rule has to say about a place. Plain data. */
export interface Finding {
  /** Name of the rule. */
  readonly rule: string;
  readonly message: string;
  /** The instruction, from its keyword to its end; what a trigger of the base does has the place of the FROM. */
  readonly span: SourceSpan;
}
