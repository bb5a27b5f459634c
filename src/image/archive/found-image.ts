import type { ImageSource } from '../bring-in.ts';

/** An image of an archive, with its names as they stand there. */
export interface FoundImage {
  readonly source: ImageSource;
  readonly names: readonly string[];
}
