/** What Go's `unicode.IsSpace` takes for a space: docker trims and splits by it in places, and JavaScript's `\s` differs (U+0085, U+FEFF). */
export function isGoSpace(character: string): boolean {
  return character <= ' ' ? goSpaces.has(character) : character > '~' && goSpaces.has(character);
}

export function trimGoSpaceStart(text: string): string {
  let start = 0;
  while (start < text.length && isGoSpace(text.charAt(start))) start++;
  return text.slice(start);
}

export function trimGoSpace(text: string): string {
  let end = text.length;
  while (end > 0 && isGoSpace(text.charAt(end - 1))) end--;
  return trimGoSpaceStart(text.slice(0, end));
}

const goSpaces: ReadonlySet<string> = new Set(
  '\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000',
);
