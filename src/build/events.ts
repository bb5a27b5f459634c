import type { TbuildError, SourceSpan } from '../errors.ts';
import type { PlannedStep } from '../graph/plan.ts';
import type { Cause } from '../cache/cause.ts';
import type { ImageRecord } from '../store/types.ts';
import type { Output } from './outputs.ts';

/** One of the outputs that were asked for. */
export interface PlannedOutput {
  /** From 1, in the order in which they were asked for and are written. */
  readonly number: number;
  readonly total: number;
  readonly type: Output['type'];
  /** Absolute path, of the socket where it goes into Docker or Podman; undefined: a stream of the caller's. */
  readonly destination: string | undefined;
}

/** What happens during a build, in order. Documented in docs/events.md; `--progress=json` prints one a line. */
export type BuildEvent =
  /** The build context is not on this machine yet, and no step is there to tell of it. `context`: its URL, without credentials and query. */
  | { readonly type: 'context:fetch'; readonly context: string }
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
      /** What is counted: the digest of a blob that is fetched, `files` that are copied, `layer` that is being listed. */
      readonly label: string;
      /** Bytes. */
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
      /** How long the step took when it ran, of one that was reused; else 0. */
      readonly savedMs: number;
    }
  | { readonly type: 'step:error'; readonly step: PlannedStep; readonly error: TbuildError }
  | { readonly type: 'output:start'; readonly output: PlannedOutput }
  | {
      readonly type: 'output:progress';
      readonly output: PlannedOutput;
      /** What is counted: the diffID of a layer that is compressed, `archive` or `files` that are written. */
      readonly label: string;
      /** Bytes. */
      readonly current: number;
      readonly total: number | undefined;
    }
  | {
      readonly type: 'output:done';
      readonly output: PlannedOutput;
      /** Bytes of file contents, or of the archive. */
      readonly size: number;
      readonly durationMs: number;
    }
  | { readonly type: 'warning'; readonly code: string; readonly message: string; readonly span: SourceSpan | undefined }
  | { readonly type: 'image'; readonly image: ImageRecord; readonly names: readonly string[] };

export type Emit = (event: BuildEvent) => void;
