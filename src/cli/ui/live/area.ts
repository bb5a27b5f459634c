import type { WriteStream } from 'node:tty';
import { stripVTControlCharacters } from 'node:util';
import type Ora from 'ora';
import { widthOf } from '../text-width.ts';
import type { Frame } from './frame.ts';
import { createPage } from './page.ts';
import type { Screen, Theme } from './screen.ts';

/** The lower end of a terminal, where lines change; what is written above them stays. */
export interface LiveArea {
  /** Writes lines that stay. */
  write(lines: readonly string[]): void;
  /** Removes the lines that change, shows the cursor again, and writes lines that stay. */
  end(lines: readonly string[]): void;
}

export interface LiveAreaOptions {
  readonly terminal: WriteStream;
  readonly theme: Theme;
  readonly env: NodeJS.ProcessEnv;
  /** Asked for ten times a second. */
  readonly frame: (screen: Screen) => Frame;
}

/** What ends sooner, milliseconds, shows only what it leaves behind: ora is not even loaded for it. */
const patience = 100;
/** Between two pictures, milliseconds. */
const pace = 100;

/** Begins to draw after a moment. `end` must be called; it is also when the process ends. */
export function createLiveArea(options: LiveAreaOptions): LiveArea {
  let area: LiveArea | undefined;
  let hasEnded = false;
  const open = async (): Promise<void> => {
    const { default: ora } = await import('ora');
    if (!hasEnded) area = openLiveArea(ora, options);
  };
  const timer = setTimeout(() => void open(), patience);
  const write = (lines: readonly string[]): void => {
    if (area !== undefined) area.write(lines);
    else if (lines.length > 0) options.terminal.write(`${lines.join('\n')}\n`);
  };
  return {
    write,
    end(lines) {
      if (hasEnded) return;
      hasEnded = true;
      clearTimeout(timer);
      if (area === undefined) write(lines);
      else area.end(lines);
    },
  };
}

/** Hides the cursor until `end`. */
function openLiveArea(ora: typeof Ora, { terminal, theme, env, frame }: LiveAreaOptions): LiveArea {
  const page = createPage(terminal, theme);
  const text = (): string => {
    const { head, lines } = frame(page.screen());
    // The cursor stands on an empty line, where what is typed meanwhile spoils nothing.
    return [head, ...lines, ''].join('\n');
  };
  const spinner = ora({
    text: text(),
    stream: page.stream,
    spinner: { frames: theme.symbols.spinner.map(theme.cyan), interval: pace },
    color: false,
    isEnabled: true,
    // Else it would read the keyboard, and take Ctrl-C away from the terminal.
    discardStdin: false,
  });
  const refresh = (): void => void (spinner.text = text());
  const timer = setInterval(refresh, pace);
  const onResize = (): void =>
    page.batch(() => {
      const before = page.picture();
      spinner.clear();
      const broken = breaksAnew(env) ? rowsOf(before, page.screen().columns) - before.length : 0;
      if (broken > 0) page.eraseAbove(broken);
      refresh();
      spinner.render();
    });
  const onSuspend = (): void => {
    page.batch(() => spinner.stop());
    process.kill(process.pid, 'SIGSTOP');
  };
  const onResume = (): void => page.batch(() => spinner.start());
  terminal.on('resize', onResize);
  process.on('SIGTSTP', onSuspend);
  process.on('SIGCONT', onResume);
  page.batch(() => spinner.start());
  const put = (lines: readonly string[]): void => {
    if (lines.length > 0) page.stream.write(`${lines.join('\n')}\n`);
  };
  return {
    write: (lines) =>
      page.batch(() => {
        refresh();
        put(lines);
      }),
    end(lines) {
      clearInterval(timer);
      terminal.off('resize', onResize);
      process.off('SIGTSTP', onSuspend);
      process.off('SIGCONT', onResume);
      page.batch(() => {
        spinner.stop();
        put(lines);
      });
    },
  };
}

/** Whether the terminal, made narrower, breaks lines that no longer fit: most do, xterm and GNU screen cut them. */
function breaksAnew(env: NodeJS.ProcessEnv): boolean {
  return env['TMUX'] !== undefined || (env['XTERM_VERSION'] === undefined && env['STY'] === undefined);
}

function rowsOf(lines: readonly string[], columns: number): number {
  return lines
    .map((line) => Math.max(1, Math.ceil(widthOf(stripVTControlCharacters(line)) / columns)))
    .reduce((sum, rows) => sum + rows, 0);
}
