import type { TbuildError, SourceSpan } from '../errors.ts';
import type { PlannedStep } from '../graph/plan.ts';
import type { Cause } from '../cache/cause.ts';
import type { ImageRecord } from '../store/types.ts';

/** What happens during a build, in order. Documented in docs/events.md; `--progress=json` prints one a line. */
export type BuildEvent =
  | { readonly type: 'graph'; readonly steps: readonly PlannedStep[] }
  | { readonly type: 'step:start'; readonly step: PlannedStep }
  /** The step cannot be reused, and why. */
  | { readonly type: 'step:cause'; readonly step: PlannedStep; readonly cause: Cause }
  | {
      readonly type: 'step:log';
      readonly step: PlannedStep;
      readonly stream: 'stdout' | 'stderr';
      readonly chunk: Uint8Array;
    }
  | {
      readonly type: 'step:progress';
      readonly step: PlannedStep;
      readonly label: string;
      readonly current: number;
      readonly total: number | undefined;
    }
  | {
      readonly type: 'step:done';
      readonly step: PlannedStep;
      /** `base`: FROM. */
      readonly outcome: 'base' | 'executed' | 'cached';
      /** Id of the layer that the step put on the chain (of FROM: of the image); undefined when it changes only the config. */
      readonly layer: string | undefined;
      readonly durationMs: number;
    }
  | { readonly type: 'step:error'; readonly step: PlannedStep; readonly error: TbuildError }
  | { readonly type: 'warning'; readonly code: string; readonly message: string; readonly span: SourceSpan | undefined }
  | { readonly type: 'image'; readonly image: ImageRecord; readonly names: readonly string[] };

export type Emit = (event: BuildEvent) => void;
