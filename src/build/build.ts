import { availableParallelism } from 'node:os';
import { TbuildError } from '../errors.ts';
import { createEventQueue } from './event-queue.ts';
import type { BuildEvent } from './events.ts';
import { resolveOptions } from './options.ts';
import type { BuildOptions } from './options.ts';
import { withStore } from '../rootfs/open-store.ts';
import { solve } from './solve.ts';
import type { BuildResult } from './solve.ts';

/** A build under way. Read its events, or only await `result`; disposing aborts it and waits until all is cleaned up. */
export interface Build extends AsyncIterable<BuildEvent>, AsyncDisposable {
  readonly result: Promise<BuildResult>;
}

/** Starts at once. While events are read no output is lost: commands wait for a slow reader. Leaving the iteration early aborts and waits until all is cleaned up; a failure rejects `result` and ends the iteration with the same error. */
export function build(options: BuildOptions): Build {
  const resolved = resolveOptions(options, availableParallelism());
  const abort = new AbortController();
  const signal = options.signal === undefined ? abort.signal : AbortSignal.any([options.signal, abort.signal]);
  const abandon = async (): Promise<void> => {
    abort.abort(new TbuildError('TBUILD_USAGE', 'the build was abandoned by its reader'));
    await result.catch(() => undefined);
  };
  const events = createEventQueue(abandon);
  signal.addEventListener('abort', () => events.release(), { once: true });
  const { store, storeRoot: root, userns, usernsStart } = options;
  const result = withStore({ store, root, userns, usernsStart, signal }, (open) =>
    solve({ options: resolved, store: open, signal, emit: (event) => events.push(event), room: () => events.room() }),
  );
  // The failure reaches whoever reads either of the two; reading only one must not make the other an unhandled rejection.
  result.then(
    () => events.end(),
    (error: unknown) => events.end(error instanceof Error ? error : new Error(String(error))),
  );
  return {
    result,
    [Symbol.asyncIterator]: () => events[Symbol.asyncIterator](),
    [Symbol.asyncDispose]: abandon,
  };
}
