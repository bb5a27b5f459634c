/** Go calls it `filepath.ErrBadPattern`: an unclosed class, an empty range bound, a trailing backslash. */
export class MalformedPattern extends Error {
  constructor(pattern: string) {
    super(`malformed pattern ${JSON.stringify(pattern)}`);
  }
}

/**
 * Compiles a pattern with the meaning of Go's `filepath.Match` on Linux: `*` and `?` never match `/`, `[…]` may, `\` escapes. The whole name must match.
 * Time is at most pattern × name. Throws {@link MalformedPattern}, whatever the names will be.
 */
export function compileGoMatch(pattern: string): (name: string) => boolean {
  const tokens = parse(pattern);
  return (name) => matches(tokens, Array.from(name));
}

/** Whether a source has an unescaped `*`, `?` or `[`, which makes it a pattern instead of a path. */
export function hasWildcards(pattern: string): boolean {
  for (let index = 0; index < pattern.length; index++) {
    const character = pattern[index];
    if (character === '\\') index++;
    else if (character === '*' || character === '?' || character === '[') return true;
  }
  return false;
}

type Token = { readonly kind: 'star' } | { readonly kind: 'one'; readonly accepts: (character: string) => boolean };

const star: Token = { kind: 'star' };
const anyButSlash: Token = { kind: 'one', accepts: (character) => character !== '/' };

function parse(pattern: string): readonly Token[] {
  const characters = Array.from(pattern);
  const tokens: Token[] = [];
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at];
    if (character === '*') {
      if (tokens.at(-1) !== star) tokens.push(star);
    } else if (character === '?') {
      tokens.push(anyButSlash);
    } else if (character === '[') {
      const parsed = parseClass(pattern, characters, at + 1);
      tokens.push(parsed.token);
      at = parsed.end;
    } else {
      if (character === '\\') at++;
      const literal = characters[at];
      if (literal === undefined) throw new MalformedPattern(pattern);
      tokens.push({ kind: 'one', accepts: (other) => other === literal });
    }
  }
  return tokens;
}

/** `start` is behind the `[`; `end` is the index of the `]`. */
function parseClass(pattern: string, characters: readonly string[], start: number): { token: Token; end: number } {
  let at = start;
  const negated = characters[at] === '^';
  if (negated) at++;
  const bound = (): number => {
    let character = characters[at];
    // Go: `-` and `]` cannot begin a bound, so neither `[]a]` nor `[a-]` nor `[-a]` is a class.
    if (character === undefined || character === '-' || character === ']') throw new MalformedPattern(pattern);
    if (character === '\\') character = characters[++at];
    const point = character?.codePointAt(0);
    at++;
    if (point === undefined || at >= characters.length) throw new MalformedPattern(pattern);
    return point;
  };
  const ranges: (readonly [number, number])[] = [];
  while (ranges.length === 0 || characters[at] !== ']') {
    const low = bound();
    if (characters[at] !== '-') {
      ranges.push([low, low]);
      continue;
    }
    at++;
    ranges.push([low, bound()]);
  }
  const accepts = (character: string): boolean => {
    const point = character.codePointAt(0) ?? 0;
    return ranges.some(([low, high]) => low <= point && point <= high) !== negated;
  };
  return { token: { kind: 'one', accepts }, end: at };
}

/** Only the last star is ever extended: Go, too, keeps the first place where a piece between stars fits. */
function matches(tokens: readonly Token[], name: readonly string[]): boolean {
  let token = 0;
  let at = 0;
  let starToken = -1;
  let starEnd = 0;
  for (;;) {
    const current = tokens[token];
    if (current?.kind === 'star') {
      starToken = token++;
      starEnd = at;
      continue;
    }
    const character = name[at];
    if (current === undefined && character === undefined) return true;
    if (current !== undefined && character !== undefined && current.accepts(character)) {
      token++;
      at++;
      continue;
    }
    if (starToken < 0 || starEnd >= name.length || name[starEnd] === '/') return false;
    token = starToken + 1;
    at = ++starEnd;
  }
}
