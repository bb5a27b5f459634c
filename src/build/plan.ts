import type { StageSource } from '../dockerfile/find-stage.ts';
import type { Stage } from '../dockerfile/instruction.ts';
import type { SourceSpan } from '../errors.ts';
import type { PlannedStep } from '../graph/plan.ts';
import type { Platform } from '../oci/platform.ts';

/** One stage with everything decided that does not depend on files or images. */
export interface StagePlan {
  readonly stage: Stage;
  readonly steps: readonly PlannedStep[];
  readonly base: StageSource;
  readonly platform: Platform;
  readonly escape: '\\' | '`';
  /** Of all stages of the file. */
  readonly stageNames: readonly string[];
  /** From --build-arg. */
  readonly buildArgs: ReadonlyMap<string, string>;
  /** ARGs before the first FROM, and the predefined platform arguments. */
  readonly globalArgs: ReadonlyMap<string, string>;
  /** What `COPY --from=` means by a name or number. Throws TBUILD_STAGE_NOT_FOUND. */
  readonly findSource: (name: string, span: SourceSpan) => StageSource;
}
