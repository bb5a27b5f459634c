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

/** Between a command that runs, and this process's signals and terminal. Disposed of, both are this process's again. */
export interface Attachment extends Disposable {
  /** The terminal is gone: what the command still writes can be shown to nobody. */
  isHungUp(): boolean;
}

/** How long a command may go on whose user's terminal is gone. */
const hangUpPatienceMs = 1000;

/**
 * Passes signals on, and connects the command's terminal with this process's. The second SIGINT or SIGTERM kills; one more is for this process. A terminal that types into the command's is raw: Ctrl-C
 * is then a character, which the command's own terminal turns into a signal.
 */
export function attach(command: StartedCommand, terminal: Terminal, options: AttachOptions): Attachment {
  const ends: (() => void)[] = [];
  let isHungUp = false;
  const hangUp = (): void => {
    if (isHungUp) return;
    isHungUp = true;
    command.kill(constants.signals.SIGHUP);
    setTimeout(() => command.kill(constants.signals.SIGKILL), hangUpPatienceMs).unref();
  };
  if (options.hasTerminal)
    ends.push(...connectTerminals(command, terminal, options.isInteractive ? hangUp : undefined));
  ends.push(terminal.divertSignals(signalReceiver(command, options.hasTerminal ? hangUp : undefined)));
  return {
    isHungUp: () => isHungUp,
    [Symbol.dispose]() {
      for (const end of ends.splice(0).toReversed()) end();
    },
  };
}

/** What is not known, as when standard output is no terminal, is 0. */
export function terminalSize({ rows = 0, columns = 0 }: Partial<TerminalSize>): TerminalSize {
  return { rows, columns };
}

function signalReceiver(command: StartedCommand, hangUp: (() => void) | undefined): (name: NodeJS.Signals) => boolean {
  const { SIGKILL } = constants.signals;
  let wishes = 0;
  return (name) => {
    if (name === 'SIGHUP' && hangUp !== undefined) {
      hangUp();
      return true;
    }
    if (name === 'SIGINT' || name === 'SIGTERM') wishes++;
    if (wishes > 2) return false;
    command.kill(wishes === 2 ? SIGKILL : constants.signals[name]);
    return true;
  };
}

/** `hangUp`: what is typed here goes to the command, until there is nobody to type. */
function connectTerminals(
  command: StartedCommand,
  { stdin, stdout }: Terminal,
  hangUp: (() => void) | undefined,
): readonly (() => void)[] {
  const resize = (): void => command.resize(terminalSize(stdout));
  const stopResizing = listen(stdout, ['resize'], resize);
  // It may have another size since the command's was made.
  resize();
  if (hangUp === undefined) return [stopResizing];
  const raw = rawTerminal(stdin.fd);
  return [
    stopResizing,
    () => raw[Symbol.dispose](),
    listen(stdin, ['end', 'error'], hangUp),
    listen(process, ['SIGCONT'], () => {
      raw.renew();
      resize();
    }),
  ];
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
