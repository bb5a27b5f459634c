import type { Writable } from 'node:stream';

/** Resolves when the stream takes more, so that what is printed does not pile up in memory; also when it is gone, or nobody waits any more. */
export async function drained(stream: Writable, signal: AbortSignal): Promise<void> {
  if (!stream.writableNeedDrain || signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      for (const event of ['drain', 'error', 'close']) stream.off(event, done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    for (const event of ['drain', 'error', 'close']) stream.on(event, done);
    signal.addEventListener('abort', done);
  });
}
