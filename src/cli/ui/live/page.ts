import { Writable } from 'node:stream';
import type { WriteStream } from 'node:tty';
import { screenOf } from './screen.ts';
import type { Screen, Theme } from './screen.ts';

/** A terminal as ora wants it, which gets every picture in one piece: nobody sees half of one. */
export interface Page {
  readonly stream: Writable;
  readonly screen: () => Screen;
  /** What is written to the stream meanwhile goes out together, at the end. */
  batch(body: () => void): void;
  /** The lines of the last picture. */
  picture(): readonly string[];
  /** Moves up, and erases from there to the end of the screen. */
  eraseAbove(rows: number): void;
}

/** With these ora begins and ends each picture ("synchronized output"). */
const beginPicture = '\u001b[?2026h';
const endPicture = '\u001b[?2026l';
/** A line that turns out longer than was thought is cut, not broken: what is drawn next would stand in the wrong place. */
const breakNoLines = '\u001b[?7l';
const breakLines = '\u001b[?7h';

export function createPage(terminal: WriteStream, theme: Theme): Page {
  // ora takes the place of the method.
  const write = terminal.write.bind(terminal);
  const screen = (): Screen => screenOf(terminal, theme);
  let held: string[] = [];
  let depth = 0;
  let picture: string | undefined;
  let lastPicture = '';

  const hold = (): void => void depth++;
  const release = (): void => {
    if (--depth > 0 || held.length === 0) return;
    const text = held.join('');
    held = [];
    write(text);
  };
  const put = (text: string): void => {
    if (depth > 0) held.push(text);
    else write(text);
  };
  const accept = (text: string): void => {
    if (text === beginPicture) {
      hold();
      picture = '';
      put(beginPicture + breakNoLines);
    } else if (text === endPicture) {
      put(breakLines + endPicture);
      lastPicture = picture ?? '';
      picture = undefined;
      release();
    } else {
      if (picture !== undefined) picture += text;
      put(text);
    }
  };
  const stream = new Writable({
    decodeStrings: false,
    write(chunk: string | Buffer, _, done) {
      accept(chunk.toString());
      done();
    },
  });
  // Not through the stream: movements are no part of a picture.
  const move = (text: string): boolean => {
    put(text);
    return true;
  };
  Object.defineProperties(stream, {
    isTTY: { value: true },
    // No line is broken, so that each is one row to ora, however wide it thinks that it is.
    columns: { value: Number.MAX_SAFE_INTEGER },
    rows: { get: () => screen().rows },
    cursorTo: { value: (x: number) => move(`\u001b[${x + 1}G`) },
    moveCursor: { value: (_: number, dy: number) => move(`\u001b[${Math.abs(dy)}${dy < 0 ? 'A' : 'B'}`) },
    clearLine: { value: () => move('\u001b[K') },
  });
  return {
    stream,
    screen,
    batch(body) {
      hold();
      try {
        body();
      } finally {
        release();
      }
    },
    picture: () => lastPicture.split('\n'),
    eraseAbove: (count) => put(`\u001b[${count}A\u001b[J`),
  };
}
