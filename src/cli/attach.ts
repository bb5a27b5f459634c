import { constants } from 'node:os';
import { rawTerminal } from '../index.ts';
import type { StartedCommand, TerminalSize } from '../index.ts';
import type { Terminal } from './command.ts';

export interface AttachOptions {
  /** The command has a terminal. */
  readonly hasTerminal: boolean;
  /** It gets standard input. */
  readonly isInteractive: boolean;
}

/** How long a command may go on whose user's terminal is gone. */
const hangUpPatienceMs = 1000;

/**
 * Connects this process's signals, and its terminal where the command has one, with a command that runs, until what is returned is disposed of. The second SIGINT or SIGTERM kills; one more is for
 * this process. A terminal that types into the command's is raw, so that Ctrl-C is a character that the command's own terminal turns into a signal.
 */
export function attach(command: StartedCommand, terminal: Terminal, options: AttachOptions): Disposable {
  const { stdin, stdout } = terminal;
  const ends: (() => void)[] = [terminal.divertSignals(signalReceiver(command, options))];
  const dispose = (): void => {
    for (const end of ends.splice(0).toReversed()) end();
  };
  if (!options.hasTerminal) return { [Symbol.dispose]: dispose };
  const resize = (): void => command.resize(terminalSize(stdout));
  ends.push(listen(stdout, ['resize'], resize));
  // It may have another size since the command's was made.
  resize();
  if (!options.isInteractive) return { [Symbol.dispose]: dispose };
  const raw = rawTerminal(stdin.fd);
  ends.push(() => raw[Symbol.dispose]());
  const goOn = (): void => {
    raw.renew();
    resize();
  };
  ends.push(listen(process, ['SIGCONT'], goOn));
  ends.push(listen(stdin, ['end', 'error'], () => hangUp(command)));
  return { [Symbol.dispose]: dispose };
}

/** What is not known, as when standard output is no terminal, is 0. */
export function terminalSize({ rows = 0, columns = 0 }: Partial<TerminalSize>): TerminalSize {
  return { rows, columns };
}

function signalReceiver(command: StartedCommand, options: AttachOptions): (name: NodeJS.Signals) => boolean {
  let requests = 0;
  return (name) => {
    if (name === 'SIGHUP' && options.hasTerminal) {
      hangUp(command);
      return true;
    }
    if (name === 'SIGINT' || name === 'SIGTERM') requests++;
    if (requests > 2) return false;
    command.kill(requests === 2 ? constants.signals.SIGKILL : constants.signals[name]);
    return true;
  };
}

/** Nobody will see what a command does in a terminal that is gone, and nobody could end it. */
function hangUp(command: StartedCommand): void {
  command.kill(constants.signals.SIGHUP);
  setTimeout(() => command.kill(constants.signals.SIGKILL), hangUpPatienceMs).unref();
}

interface Emitter {
  on(event: string, listener: () => void): unknown;
  off(event: string, listener: () => void): unknown;
}

function listen(emitter: Emitter, events: readonly string[], listener: () => void): () => void {
  for (const event of events) emitter.on(event, listener);
  return () => {
    for (const event of events) emitter.off(event, listener);
  };
}
