import type { BuildEvent } from '../../index.ts';

/** Shows people or programs what happens during a build. */
export interface Progress {
  handle(event: BuildEvent): void;
  /** To be called when nothing comes any more, however the build has ended. */
  end(): void;
}
