import { isGoSpace } from './go-space.ts';

/** Takes pieces of a result. Blanks of splittable pieces end words. */
export type Sink = (piece: string, isSplittable: boolean) => void;

export interface Splitter {
  readonly add: Sink;
  /** Ends the last word; empty ones are dropped. */
  readonly words: () => readonly string[];
}

export function createSplitter(): Splitter {
  const words: string[] = [];
  let word = '';
  const end = (): void => {
    if (word !== '') words.push(word);
    word = '';
  };
  const add: Sink = (piece, isSplittable) => {
    if (!isSplittable) {
      word += piece;
      return;
    }
    let start = 0;
    for (let at = 0; at < piece.length; at++) {
      if (!isGoSpace(piece.charAt(at))) continue;
      word += piece.slice(start, at);
      end();
      start = at + 1;
    }
    word += piece.slice(start);
  };
  return {
    add,
    words: () => {
      end();
      return words;
    },
  };
}
