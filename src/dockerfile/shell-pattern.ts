/*
 * Shell patterns of `${v#p}`, `${v%p}` and `${v/p/r}`: `*` and `?` and no brackets, with docker's bounds, which come from Go's regular expressions: neither passes a
 * line end. Matching never goes back over a `*`, so that no pattern can make it slow.
 */

/** Throws `SyntaxError` for an escape that patterns do not have; so do the others here. */
export function removePrefix(value: string, pattern: string, isGreedy: boolean): string {
  const end = matchEnd(value, 0, toSegments(parsePattern(pattern)), isGreedy);
  return end === undefined ? value : value.slice(end);
}

export function removeSuffix(value: string, pattern: string, isGreedy: boolean): string {
  const backward = toSegments(parsePattern(pattern).toReversed());
  const end = matchEnd(reverse(value), 0, backward, isGreedy);
  return end === undefined ? value : value.slice(0, value.length - end);
}

/** The leftmost match, as long as it can be. The replacement is plain text. */
export function replaceFirst(value: string, pattern: string, replacement: string): string {
  const match = search(value, 0, toSegments(parsePattern(pattern)));
  return match === undefined ? value : value.slice(0, match.start) + replacement + value.slice(match.end);
}

/**
 * All matches from the left. In the replacement `$$` is a `$` and `$0` the match; any other `$name` is empty: docker hands it to Go as a template.
 * Throws `RangeError` for a result longer than `maxLength`.
 */
export function replaceEvery(value: string, pattern: string, replacement: string, maxLength: number): string {
  const segments = toSegments(parsePattern(pattern));
  const template = parseTemplate(replacement);
  const pieces: string[] = [];
  let length = value.length;
  let copied = 0;
  let previousEnd = -1;
  for (let from = 0; from <= value.length;) {
    const match = search(value, from, segments);
    if (match === undefined) break;
    const { start, end } = match;
    from = end > start ? end : end + (characterAt(value, end).length || 1);
    // An empty match right behind another is none.
    if (end === start && start === previousEnd) continue;
    length += templateLength(template, end - start);
    if (length > maxLength) throw new RangeError('the result is too long');
    pieces.push(value.slice(copied, start), template.map((part) => part ?? value.slice(start, end)).join(''));
    copied = end;
    previousEnd = end;
  }
  return pieces.join('') + value.slice(copied);
}

const star = Symbol('*');
const anyCharacter = Symbol('?');
type Token = string | typeof star | typeof anyCharacter;

/** Characters that stand together, perhaps none; `isAfterStar` says that a `*` is before them. */
interface Segment {
  readonly isAfterStar: boolean;
  readonly characters: readonly (string | typeof anyCharacter)[];
}

function parsePattern(pattern: string): readonly Token[] {
  const characters = Array.from(pattern);
  const tokens: Token[] = [];
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] ?? '';
    if (character === '\\') tokens.push(escapedCharacter(characters[++at]));
    else tokens.push(character === '*' ? star : character === '?' ? anyCharacter : character);
  }
  return tokens;
}

function escapedCharacter(character: string | undefined): string {
  if (character !== undefined && ['*', '?', '\\', '}', '/'].includes(character)) return character;
  throw new SyntaxError(`invalid escape '\\${character ?? ''}'`);
}

function toSegments(tokens: readonly Token[]): readonly Segment[] {
  const segments = [{ isAfterStar: false, characters: new Array<string | typeof anyCharacter>() }];
  for (const [index, token] of tokens.entries()) {
    if (token !== star) segments.at(-1)?.characters.push(token);
    else if (tokens[index - 1] !== star) segments.push({ isAfterStar: true, characters: [] });
  }
  return segments;
}

/** Leftmost, then longest. */
function search(value: string, from: number, segments: readonly Segment[]): { start: number; end: number } | undefined {
  const [first, ...rest] = segments;
  if (first === undefined) return undefined;
  for (let at = from; at <= value.length;) {
    const start = findSegment(value, at, first, value.length);
    if (start === undefined) return undefined;
    const end = matchEnd(value, start, [first, ...rest], true);
    if (end !== undefined) return { start, end };
    // What follows the first segment is not on this line, so that no later start on it can match.
    const lineEnd = value.indexOf('\n', start);
    if (lineEnd === -1) return undefined;
    at = lineEnd + 1;
  }
  return undefined;
}

/** Where a match that starts at `start` ends: as early as possible, or as late. */
function matchEnd(value: string, start: number, segments: readonly Segment[], isGreedy: boolean): number | undefined {
  let at = start;
  for (const [index, segment] of segments.entries()) {
    if (!segment.isAfterStar) {
      const end = segmentEnd(value, at, segment);
      if (end === undefined) return undefined;
      at = end;
      continue;
    }
    const lineEnd = value.indexOf('\n', at);
    const limit = lineEnd === -1 ? value.length : lineEnd;
    const isLast = index === segments.length - 1;
    const found =
      isLast && isGreedy ? findLastSegment(value, at, segment, limit) : findSegment(value, at, segment, limit);
    if (found === undefined) return undefined;
    at = segmentEnd(value, found, segment) ?? found;
  }
  return at;
}

function findSegment(value: string, from: number, segment: Segment, limit: number): number | undefined {
  const literal = literalOf(segment);
  if (literal !== undefined) {
    const at = value.slice(from, limit + literal.length).indexOf(literal);
    return at === -1 ? undefined : from + at;
  }
  for (let at = from; at <= limit; at += characterAt(value, at).length || 1) {
    if (segmentEnd(value, at, segment) !== undefined) return at;
  }
  return undefined;
}

function findLastSegment(value: string, from: number, segment: Segment, limit: number): number | undefined {
  const literal = literalOf(segment);
  if (literal !== undefined) {
    const at = value.slice(from, limit + literal.length).lastIndexOf(literal);
    return at === -1 ? undefined : from + at;
  }
  for (let at = limit; at >= from; at--) {
    if (!isInsidePair(value, at) && segmentEnd(value, at, segment) !== undefined) return at;
  }
  return undefined;
}

function literalOf({ characters }: Segment): string | undefined {
  return characters.every((character) => typeof character === 'string') ? characters.join('') : undefined;
}

function segmentEnd(value: string, start: number, { characters }: Segment): number | undefined {
  let at = start;
  for (const wanted of characters) {
    const character = characterAt(value, at);
    if (character === '' || (wanted === anyCharacter ? character === '\n' : character !== wanted)) return undefined;
    at += character.length;
  }
  return at;
}

function characterAt(value: string, at: number): string {
  const point = value.codePointAt(at);
  return point === undefined ? '' : String.fromCodePoint(point);
}

function isInsidePair(value: string, at: number): boolean {
  return at > 0 && characterAt(value, at - 1).length === 2;
}

function reverse(value: string): string {
  return Array.from(value).toReversed().join('');
}

/** `undefined` stands for the match. */
function parseTemplate(template: string): readonly (string | undefined)[] {
  const parts: (string | undefined)[] = [];
  let copied = 0;
  for (const match of template.matchAll(/\$(?:(\$)|\{(\w+)\}|(\w+))/g)) {
    parts.push(template.slice(copied, match.index));
    const [whole, dollar, braced, bare] = match;
    if (dollar !== undefined) parts.push('$');
    else if (/^0+$/.test(braced ?? bare ?? '')) parts.push(undefined);
    copied = match.index + whole.length;
  }
  return [...parts, template.slice(copied)];
}

function templateLength(template: readonly (string | undefined)[], matchLength: number): number {
  return template.reduce((sum, part) => sum + (part?.length ?? matchLength), 0);
}
