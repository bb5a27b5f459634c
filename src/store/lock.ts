import { closeSync, constants, openSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { NativeAddon } from '../native/addon.ts';
import { ioError } from '../util/io-error.ts';

/** An advisory lock file that processes share. */
export interface Lock {
  /**
   * Runs `action` under the lock. It is synchronous, so that a lock is never held across an `await`: two holders in one process could wait for each other for ever.
   * While somebody else holds it, polls without blocking the event loop; an aborted signal rejects with its reason.
   */
  run<T>(mode: 'shared' | 'exclusive', action: () => T): Promise<T>;
  /** The same at once, for locks that are only ever held for moments: it blocks the event loop until then. */
  runNow<T>(action: () => T): T;
  /** A descriptor on the store's file system. */
  fd(): number;
  close(): void;
}

export function openLock(addon: NativeAddon, path: string, signal?: AbortSignal): Lock {
  let descriptor: number | undefined;
  let isClosed = false;
  const fd = (): number => {
    if (isClosed) throw new TypeError('the store was closed');
    descriptor ??= openLockFile(path);
    return descriptor;
  };
  return {
    fd,
    async run(mode, action) {
      for (let wait = 1; !addon.lock(fd(), mode, false); wait = Math.min(wait * 2, 16)) {
        await delay(wait, undefined, signal === undefined ? {} : { signal }).catch((error: unknown) => {
          signal?.throwIfAborted();
          throw error;
        });
      }
      try {
        return action();
      } finally {
        addon.lock(fd(), 'none', false);
      }
    },
    runNow(action) {
      try {
        addon.lock(fd(), 'exclusive', true);
      } catch (error) {
        throw ioError(error, 'lock', path);
      }
      try {
        return action();
      } finally {
        addon.lock(fd(), 'none', false);
      }
    },
    close() {
      isClosed = true;
      if (descriptor !== undefined) closeSync(descriptor);
      descriptor = undefined;
    },
  };
}

function openLockFile(path: string): number {
  try {
    return openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  } catch (error) {
    throw ioError(error, 'open the lock', path);
  }
}
