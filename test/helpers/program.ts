import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** The command line as people have it. Vitest's project `integration` bundles it first. */
export const programPath: string = fileURLToPath(new URL('../../dist/tbuild.cjs', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A child process whose output is kept. */
export interface Program {
  readonly pid: number;
  readonly kill: (signal: NodeJS.Signals) => void;
  /** What it has written to stdout so far. */
  readonly stdout: () => string;
  readonly isRunning: () => boolean;
  readonly ended: Promise<Ended>;
}

export interface ProgramUser {
  readonly uid: number;
  readonly gid: number;
  readonly env: Readonly<Record<string, string>>;
}

/** Starts `argv`; as another user when one is given. */
export function startProgram(argv: readonly string[], user?: ProgramUser): Program {
  const [command = '', ...rest] = argv;
  const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'], ...user });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = once(child, 'close').then(() => ({ code: child.exitCode, signal: child.signalCode, stdout, stderr }));
  if (child.pid === undefined) throw new Error(`${command} cannot be started`);
  return {
    pid: child.pid,
    kill: (signal) => void child.kill(signal),
    stdout: () => stdout,
    isRunning: () => child.exitCode === null && child.signalCode === null,
    ended,
  };
}

/** Runs the command line to its end. */
export function tbuild(...argv: readonly string[]): Promise<Ended> {
  return startProgram([process.execPath, programPath, ...argv]).ended;
}
