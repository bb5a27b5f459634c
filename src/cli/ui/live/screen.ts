import { encoderFor, hasUnicode } from '../terminal-text.ts';

/** What a terminal can show. */
export interface Screen {
  readonly columns: number;
  readonly rows: number;
  readonly theme: Theme;
}

export interface Theme {
  readonly symbols: Symbols;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly cyan: (text: string) => string;
  /** Makes what the terminal's encoding does not have showable. */
  readonly encode: (text: string) => string;
}

export interface Symbols {
  readonly spinner: readonly string[];
  readonly running: string;
  readonly waiting: string;
  readonly done: string;
  readonly failed: string;
  readonly stopped: string;
  /** For what was left out. */
  readonly omission: string;
}

const unicode: Symbols = {
  spinner: ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'],
  running: '→',
  waiting: '·',
  done: '✔',
  failed: '✖',
  stopped: '■',
  omission: '…',
};

const ascii: Symbols = {
  spinner: ['-', '\\', '|', '/'],
  running: '>',
  waiting: '.',
  done: '+',
  failed: 'x',
  stopped: '-',
  omission: '...',
};

/** True for a terminal that can move its cursor. */
export function canDraw({
  stderr,
  env,
}: {
  readonly stderr: { readonly isTTY: boolean };
  readonly env: NodeJS.ProcessEnv;
}): boolean {
  return stderr.isTTY && env['TERM'] !== 'dumb';
}

/** A terminal that does not know its size says 0. */
const usual = { columns: 80, rows: 24 };

export function screenOf({ columns, rows }: { readonly columns: number; readonly rows: number }, theme: Theme): Screen {
  return { columns: columns || usual.columns, rows: rows || usual.rows, theme };
}

/** From the environment: NO_COLOR (https://no-color.org), and what it says of the encoding. */
export function themeOf(env: NodeJS.ProcessEnv): Theme {
  const isPlain = (env['NO_COLOR'] ?? '') !== '';
  const sgr = (on: number, off: number) => (text: string) =>
    isPlain || text === '' ? text : `\u001b[${on}m${text}\u001b[${off}m`;
  const isUnicode = hasUnicode(env);
  return {
    symbols: isUnicode ? unicode : ascii,
    dim: sgr(2, 22),
    red: sgr(31, 39),
    green: sgr(32, 39),
    yellow: sgr(33, 39),
    cyan: sgr(36, 39),
    encode: encoderFor(env),
  };
}
