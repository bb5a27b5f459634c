import { isGoSpace } from './go-space.ts';

/** Splits at blanks outside quotes, as docker does for ENV, LABEL and ARG. Quotes and escapes stay in the words: expansion removes them. */
export function splitWords(text: string, escape: string): readonly string[] {
  const words: string[] = [];
  let word = '';
  let quote: string | undefined;
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (quote === undefined && isGoSpace(character)) {
      if (word !== '') words.push(word);
      word = '';
      continue;
    }
    if (character === escape && quote !== "'") {
      // An escape that ends the text escapes nothing and is dropped.
      if (at + 1 === text.length) break;
      word += character + text.charAt(++at);
      continue;
    }
    if (character === quote) quote = undefined;
    else if (quote === undefined && (character === "'" || character === '"')) quote = character;
    word += character;
  }
  if (word !== '') words.push(word);
  return words;
}

/** Splits at ASCII blanks, quotes or not, as docker does for FROM, EXPOSE, COPY, ADD and VOLUME. */
export function splitBlanks(text: string): readonly string[] {
  return text.split(/[\t\v\f\r ]+/).filter((word) => word !== '');
}
