import { mayNameBytes } from '../util/path-bytes.ts';

/** Docker shows U+FFFD in place of what cannot be encoded: bytes that were not UTF-8, which come as lone surrogates (util/path-bytes.ts), and halves of pairs in JSON. */
export function toWellFormed(text: string): string {
  return isWellFormed(text) ? text : text.replaceAll(/\p{Surrogate}/gu, '\uFFFD');
}

export function isWellFormed(text: string): boolean {
  return !mayNameBytes(text) || !/\p{Surrogate}/u.test(text);
}
