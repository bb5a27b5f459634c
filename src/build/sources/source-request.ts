import type { SelectedAs } from '../../context/selection.ts';
import type { SourceSpan } from '../../errors.ts';

/** What a COPY or ADD, or a mount, asks a source for. */
export interface SourceRequest {
  /** `the build context`, `stage build`, an image reference: for people. */
  readonly origin: string;
  readonly sources: readonly string[];
  /** Values of `--exclude`. */
  readonly exclude: readonly string[];
  /** `--parents`. */
  readonly parents: boolean;
  /** Value of `--chmod`: the bits that it overrides do not count. */
  readonly chmod: string | undefined;
  /** The step sets owners itself (`--chown`): those of the source do not count. */
  readonly setsOwner: boolean;
  /** `mounted`: the source is one path, whatever characters are in it, and a directory's own attributes count. */
  readonly as: SelectedAs;
  /** Undefined: no instruction asks. */
  readonly span: SourceSpan | undefined;
  /** Told of sources that take no file, and why. */
  readonly warn?: ((message: string) => void) | undefined;
  /** What to do when a source is not there. @default for the file system of a stage or image */
  readonly hint?: string | undefined;
}
