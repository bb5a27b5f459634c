import { loadAddon } from './load.ts';

/** A terminal of this process that passes every byte on, both ways, until this is disposed of. */
export interface RawTerminal extends Disposable {
  /** Makes it raw again: who had it meanwhile (a shell, while this process was stopped) may have changed it. */
  renew(): void;
}

/** Makes a terminal raw. It is again as it was when this is disposed of, and when the process exits. Throws an `Error` with `code` (`'ENOTTY'`…) for what is no terminal. */
export function rawTerminal(fd: number): RawTerminal {
  const addon = loadAddon();
  const settings = addon.makeTerminalRaw(fd);
  let isRaw = true;
  const restore = (): void => {
    if (!isRaw) return;
    isRaw = false;
    process.off('exit', restore);
    unlessHungUp(() => addon.restoreTerminal(fd, settings));
  };
  // Before whoever closes it.
  process.prependListener('exit', restore);
  return {
    renew() {
      if (isRaw) unlessHungUp(() => addon.makeTerminalRaw(fd));
    },
    [Symbol.dispose]: restore,
  };
}

function unlessHungUp(change: () => void): void {
  try {
    change();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EIO') throw error;
  }
}
