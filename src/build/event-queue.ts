import type { BuildEvent } from './events.ts';

/** Bytes of command output that are kept for a reader who has not come yet; beyond it the oldest are dropped. */
const maxUnreadLog = 8 * 1024 * 1024;
/** Bytes of command output that wait for a slow reader before the commands are held back. */
const maxWaitingLog = 512 * 1024;

/** Events between the build and its one reader. Nothing is lost once somebody reads; before that, nothing but output beyond a bound, which is said. */
export interface EventQueue extends AsyncIterable<BuildEvent> {
  push(event: BuildEvent): void;
  /** Undefined when there is room for more output; else resolves when the reader has taken what waits, has left, or `release` is called. Whoever makes output must wait for it. */
  room(): Promise<void> | undefined;
  /** The build is ending: from now on nobody is held back. */
  release(): void;
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
  let isReleased = false;
  let heldBack: (() => void)[] = [];

  const letGo = (): void => {
    const waiting = heldBack;
    heldBack = [];
    for (const resume of waiting) resume();
  };
  const release = (): void => {
    isReleased = true;
    letGo();
  };
  const dropOldestLog = (): void => {
    const index = events.findIndex((event) => event.type === 'step:log');
    const [event] = index < 0 ? [] : events.splice(index, 1);
    if (event?.type === 'step:log') waitingLog -= event.chunk.length;
    if (dropped) return;
    dropped = true;
    const message = `more than ${maxUnreadLog} bytes of output waited to be read; the oldest were dropped`;
    events.push({ type: 'warning', code: 'TBUILD_WARN_OUTPUT_DROPPED', message, span: undefined });
  };
  const iterate = async function* (): AsyncGenerator<BuildEvent, void, undefined> {
    let finished = false;
    try {
      for (;;) {
        const batch = events;
        events = [];
        waitingLog = 0;
        letGo();
        yield* batch;
        if (events.length > 0) continue;
        if (ended !== undefined) break;
        await new Promise<void>((resolve) => (wake = resolve));
      }
      finished = true;
      if (ended.error !== undefined) throw ended.error;
    } finally {
      release();
      if (!finished) await onAbandon();
    }
  };
  return {
    push(event) {
      if (ended !== undefined) return;
      events.push(event);
      if (event.type === 'step:log') {
        waitingLog += event.chunk.length;
        const isHeldBack = isRead && !isReleased;
        while (!isHeldBack && waitingLog > maxUnreadLog) dropOldestLog();
      }
      wake?.();
    },
    room() {
      if (!isRead || isReleased || waitingLog <= maxWaitingLog) return undefined;
      return new Promise((resolve) => heldBack.push(resolve));
    },
    release,
    end(error) {
      ended ??= { error };
      release();
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
