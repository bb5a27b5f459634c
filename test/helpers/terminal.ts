import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';

const program = fileURLToPath(new URL('terminal.py', import.meta.url));

export interface TerminalEnd {
  /** Negative: the number of the signal. */
  readonly status: number;
  /** All that was written to the terminal. */
  readonly output: string;
  /** As `mode` has it, when the program had ended. */
  readonly mode: string;
  /** Bytes that were typed, by whomever, and that nobody has read. */
  readonly unread: number;
}

/** A program that runs on a terminal of its own. */
/** Disposed of, it is gone, and the program hung up. */
export interface TestTerminal extends Disposable {
  readonly pid: number;
  type(text: string): void;
  resize(rows: number, columns: number): void;
  /** As if its window was closed. */
  hangUp(): void;
  /** Sets it as it was at first, as a shell does that gets it back. */
  cook(): Promise<void>;
  /** What is set of icrnl, ixon, opost, echo, icanon and isig. */
  mode(): Promise<string>;
  /** What was written since the last call that found something, once it matches. */
  expect(pattern: RegExp): Promise<string>;
  readonly ended: Promise<TerminalEnd>;
}

export interface TerminalOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly rows?: number;
  readonly columns?: number;
}

/** Of a terminal that nobody has changed. */
export const cookedMode = 'icrnl ixon opost echo icanon isig';

interface Told {
  readonly pid?: number;
  readonly output?: string;
  readonly mode?: string;
  readonly status?: number;
  readonly unread?: number;
}

/** Needs `tool:python3`. */
export async function openTerminal(argv: readonly string[], options: TerminalOptions): Promise<TestTerminal> {
  const { env, rows = 24, columns = 80 } = options;
  const child = spawn('python3', [program, String(rows), String(columns), ...argv], {
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const chunks: Buffer[] = [];
  let seen = 0;
  const modes: ((mode: string) => void)[] = [];
  const output = (): string => Buffer.concat(chunks).toString();
  const happened = new EventEmitter<{ pid: [number]; end: [TerminalEnd] }>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { pid, output: encoded, mode, status, unread } = JSON.parse(line) as Told;
    if (pid !== undefined) happened.emit('pid', pid);
    if (encoded !== undefined) chunks.push(Buffer.from(encoded, 'base64'));
    if (status !== undefined) happened.emit('end', { status, output: output(), mode: mode ?? '', unread: unread ?? 0 });
    else if (mode !== undefined) modes.shift()?.(mode);
  });
  const ended = once(happened, 'end').then(([end]) => end as TerminalEnd);
  const [pid] = (await once(happened, 'pid')) as [number];
  const order = (what: object): void => void child.stdin.write(`${JSON.stringify(what)}\n`);
  const mode = (): Promise<string> => {
    order({ mode: true });
    return new Promise((resolve) => modes.push(resolve));
  };
  return {
    pid,
    type: (text) => order({ type: text }),
    resize: (newRows, newColumns) => order({ resize: [newRows, newColumns] }),
    hangUp: () => order({ hangup: true }),
    async cook() {
      order({ cook: true });
      await mode();
    },
    mode,
    async expect(pattern) {
      await expect.poll(() => output().slice(seen), { timeout: 30_000, interval: 10 }).toMatch(pattern);
      const found = output().slice(seen);
      seen += found.length;
      return found;
    },
    ended,
    [Symbol.dispose]: () => void child.kill(),
  };
}
