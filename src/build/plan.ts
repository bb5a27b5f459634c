import type { Stage } from '../dockerfile/instruction.ts';
import type { PlannedStep } from '../graph/plan.ts';
import type { Platform } from '../oci/platform.ts';

/** One stage with everything decided that does not depend on files or images. */
export interface StagePlan {
  readonly stage: Stage;
  readonly steps: readonly PlannedStep[];
  readonly base:
    | { readonly kind: 'scratch' }
    | { readonly kind: 'stage'; readonly index: number }
    | { readonly kind: 'image'; readonly name: string };
  readonly platform: Platform;
  readonly escape: '\\' | '`';
  /** From --build-arg. */
  readonly buildArgs: ReadonlyMap<string, string>;
  /** ARGs before the first FROM, and the predefined platform arguments. */
  readonly globalArgs: ReadonlyMap<string, string>;
  /** Which earlier stage a `COPY --from=` name means, if one. */
  readonly findStage: (name: string) => number | undefined;
}
