import type { BuildEvent } from './events.ts';

/** Bytes of command output that wait for a slow reader before the oldest are dropped. */
const maxWaitingLog = 8 * 1024 * 1024;

/** Events between the build and its one reader. Nothing is lost before reading starts, but for output beyond a bound, which is said. */
export interface EventQueue extends AsyncIterable<BuildEvent> {
  push(event: BuildEvent): void;
  /** Ends the iteration, by throwing `error` if there is one. */
  end(error?: Error): void;
  /** True once somebody reads. */
  readonly isRead: boolean;
}

/** @param onAbandon called, and awaited, when the reader leaves before the end */
export function createEventQueue(onAbandon: () => Promise<void>): EventQueue {
  let events: BuildEvent[] = [];
  let waitingLog = 0;
  let dropped = false;
  let ended: { readonly error: Error | undefined } | undefined;
  let wake: (() => void) | undefined;
  let isRead = false;

  const dropOldestLog = (): void => {
    const index = events.findIndex((event) => event.type === 'step:log');
    const [event] = index < 0 ? [] : events.splice(index, 1);
    if (event?.type === 'step:log') waitingLog -= event.chunk.length;
    if (dropped) return;
    dropped = true;
    const message = `more than ${maxWaitingLog} bytes of output waited to be read; the oldest were dropped`;
    events.push({ type: 'warning', code: 'TBUILD_WARN_OUTPUT_DROPPED', message, span: undefined });
  };
  const iterate = async function* (): AsyncGenerator<BuildEvent, void, undefined> {
    let finished = false;
    try {
      for (;;) {
        const batch = events;
        events = [];
        waitingLog = 0;
        yield* batch;
        if (events.length > 0) continue;
        if (ended !== undefined) break;
        await new Promise<void>((resolve) => (wake = resolve));
      }
      finished = true;
      if (ended.error !== undefined) throw ended.error;
    } finally {
      if (!finished) await onAbandon();
    }
  };
  return {
    push(event) {
      if (ended !== undefined) return;
      events.push(event);
      if (event.type === 'step:log') {
        waitingLog += event.chunk.length;
        while (waitingLog > maxWaitingLog) dropOldestLog();
      }
      wake?.();
    },
    end(error) {
      ended ??= { error };
      wake?.();
    },
    get isRead() {
      return isRead;
    },
    [Symbol.asyncIterator]() {
      if (isRead) throw new TypeError('the events of a build can be read once');
      isRead = true;
      return iterate();
    },
  };
}
