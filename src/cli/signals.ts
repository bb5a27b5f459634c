import { closeSync, fstatSync } from 'node:fs';
import { constants } from 'node:os';

/** Why a command ends before its time, and with which exit status. */
export interface Ending {
  readonly status: number;
  /** For standard error; undefined: nothing is said. */
  readonly message: string | undefined;
}

export interface Interruption {
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP, and when standard output cannot be written any more: everything is then cleaned up. */
  readonly signal: AbortSignal;
  /** Undefined while nothing has happened. */
  ending(): Ending | undefined;
  /** Until what is returned is called, `receive` gets the signals first, and those that end nothing otherwise. Those that it does not take (false) interrupt. */
  divert(receive: (name: NodeJS.Signals) => boolean): () => void;
  /** The command has ended. What goes wrong with its output from now on is said here. */
  release(): void;
}

const interrupting = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Further ones that mean something to whoever waits for them. SIGWINCH is not one: servers take it for a wish to stop, and a terminal sends it whenever it is resized. */
const passedOn = ['SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;

/** A second signal ends the process at once: the helper and its sandboxes die with it. */
export function watchForInterruption(process: NodeJS.Process): Interruption {
  const controller = new AbortController();
  let ending: Ending | undefined;
  let isReleased = false;
  let isHungUp = false;
  const end = (given: Ending, reason: string): void => {
    ending ??= given;
    controller.abort(new Error(reason));
  };
  let receiver: ((name: NodeJS.Signals) => boolean) | undefined;
  const onSignal = (name: NodeJS.Signals): void => {
    isHungUp ||= name === 'SIGHUP';
    if (receiver?.(name) === true) return;
    const status = 128 + constants.signals[name];
    if (controller.signal.aborted) process.exit(status);
    end({ status, message: `interrupted by ${name}` }, `interrupted by ${name}`);
  };
  const onOutputError = (error: NodeJS.ErrnoException): void => {
    isHungUp ||= error.code === 'EIO';
    const message = `standard output cannot be written: ${error.message}`;
    // `tbuild … | head`: whoever read has what it wanted. The status is the one that a shell gives for SIGPIPE.
    end(error.code === 'EPIPE' ? { status: 141, message: undefined } : { status: 1, message }, message);
    if (!isReleased) return;
    process.exitCode = ending?.status;
    if (ending?.message !== undefined) process.stderr.write(`${ending.message}\n`);
  };
  for (const name of interrupting) process.on(name, onSignal);
  process.stdout.on('error', onOutputError);
  process.on('exit', () => {
    if (isHungUp) closeTerminals();
  });
  // Nobody reads what goes wrong: that must not be what goes wrong.
  process.stderr.on('error', () => undefined);
  return {
    signal: controller.signal,
    ending: () => ending,
    divert(receive) {
      receiver = receive;
      for (const name of passedOn) process.on(name, onSignal);
      return () => {
        receiver = undefined;
        for (const name of passedOn) process.off(name, onSignal);
      };
    },
    release() {
      isReleased = true;
      for (const name of interrupting) process.off(name, onSignal);
    },
  };
}

/** Node restores the terminals that it was started on when it exits, and aborts where that fails, as with one that was hung up. It passes over those that are closed. */
function closeTerminals(): void {
  for (const fd of [0, 1, 2]) {
    try {
      if (fstatSync(fd).isCharacterDevice()) closeSync(fd);
    } catch {
      // It is closed.
    }
  }
}
