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
  /** The command has ended. What goes wrong with its output from now on is said here. */
  release(): void;
}

/** A second signal ends the process at once: the helper and its sandboxes die with it. */
export function watchForInterruption(process: NodeJS.Process): Interruption {
  const controller = new AbortController();
  let ending: Ending | undefined;
  let isReleased = false;
  const end = (given: Ending, reason: string): void => {
    ending ??= given;
    controller.abort(new Error(reason));
  };
  const onSignal = (name: NodeJS.Signals): void => {
    const status = 128 + constants.signals[name];
    if (controller.signal.aborted) process.exit(status);
    end({ status, message: `interrupted by ${name}` }, `interrupted by ${name}`);
  };
  const onOutputError = (error: NodeJS.ErrnoException): void => {
    const message = `standard output cannot be written: ${error.message}`;
    // `tbuild … | head`: whoever read has what it wanted. The status is the one that a shell gives for SIGPIPE.
    end(error.code === 'EPIPE' ? { status: 141, message: undefined } : { status: 1, message }, message);
    if (!isReleased) return;
    process.exitCode = ending?.status;
    if (ending?.message !== undefined) process.stderr.write(`${ending.message}\n`);
  };
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of names) process.on(name, onSignal);
  process.stdout.on('error', onOutputError);
  // Nobody reads what goes wrong: that must not be what goes wrong.
  process.stderr.on('error', () => undefined);
  return {
    signal: controller.signal,
    ending: () => ending,
    release() {
      isReleased = true;
      for (const name of names) process.off(name, onSignal);
    },
  };
}
