import { MalformedPattern } from './go-match.ts';

/** A set of code points: sorted or not, `ranges` holds pairs of inclusive bounds. */
export interface CharacterSet {
  readonly negated: boolean;
  readonly ranges: readonly number[];
  /** Sets that only Unicode tables can answer (`\pL`). */
  readonly tables: readonly RegExp[];
}

/** A place in a pattern that is being read. */
export interface Cursor {
  readonly text: string;
  at: number;
}

export function contains(set: CharacterSet, point: number): boolean {
  for (let index = 0; index < set.ranges.length; index += 2) {
    if ((set.ranges[index] ?? 0) <= point && point <= (set.ranges[index + 1] ?? -1)) return !set.negated;
  }
  if (set.tables.length > 0) {
    const character = String.fromCodePoint(point);
    if (set.tables.some((table) => table.test(character))) return !set.negated;
  }
  return set.negated;
}

export function single(point: number): CharacterSet {
  return { negated: false, ranges: [point, point], tables: [] };
}

/** Reads a class; the cursor stands behind its `[`. Rules: regexp/syntax, flags `Perl`. */
export function readClass(cursor: Cursor): CharacterSet {
  const ranges: number[] = [];
  const tables: RegExp[] = [];
  const negated = cursor.text[cursor.at] === '^';
  if (negated) cursor.at++;
  for (let first = true; first || cursor.text[cursor.at] !== ']'; first = false) {
    if (cursor.at >= cursor.text.length) throw new MalformedPattern(cursor.text);
    if (cursor.text.startsWith('[:', cursor.at) && cursor.text.includes(':]', cursor.at + 2)) {
      ranges.push(...readPosixClass(cursor));
      continue;
    }
    const named = readNamedClass(cursor);
    if (named !== undefined) {
      ranges.push(...named.ranges);
      tables.push(...named.tables);
      continue;
    }
    const low = readCharacter(cursor);
    let high = low;
    if (cursor.text[cursor.at] === '-' && cursor.text[cursor.at + 1] !== ']') {
      cursor.at++;
      high = readCharacter(cursor);
      if (high < low) throw new MalformedPattern(cursor.text);
    }
    ranges.push(low, high);
  }
  cursor.at++;
  return { negated, ranges, tables };
}

/** `\d \D \s \S \w \W`, `\pX` and `\PX`: the cursor stands on the backslash, and stays there when it is none of them. */
export function readNamedClass(cursor: Cursor): CharacterSet | undefined {
  if (cursor.text[cursor.at] !== '\\') return undefined;
  const letter = cursor.text[cursor.at + 1] ?? '';
  const perl = perlClasses[letter.toLowerCase()];
  if (perl !== undefined) {
    cursor.at += 2;
    return { negated: false, ranges: letter === letter.toLowerCase() ? perl : complement(perl), tables: [] };
  }
  if (letter !== 'p' && letter !== 'P') return undefined;
  const category = cursor.text[cursor.at + 2] ?? '';
  if (!'CLMNPSZ'.includes(category) || category === '') throw new MalformedPattern(cursor.text);
  cursor.at += 3;
  return { negated: false, ranges: [], tables: [new RegExp(`^\\${letter}{${category}}$`, 'u')] };
}

/** One character, escaped or not. */
export function readCharacter(cursor: Cursor): number {
  const point = cursor.text.codePointAt(cursor.at);
  if (point === undefined) throw new MalformedPattern(cursor.text);
  cursor.at += point > 0xffff ? 2 : 1;
  return point === 0x5c ? readEscape(cursor) : point;
}

function readEscape(cursor: Cursor): number {
  const { text } = cursor;
  const letter = text[cursor.at] ?? '';
  const octal = /^(?:0[0-7]{0,2}|[1-7][0-7]{1,2})/.exec(text.slice(cursor.at, cursor.at + 3));
  if (octal !== null) {
    cursor.at += octal[0].length;
    return Number.parseInt(octal[0], 8);
  }
  if (letter === 'x' && /^[0-9A-Fa-f]{2}$/.test(text.slice(cursor.at + 1, cursor.at + 3))) {
    cursor.at += 3;
    return Number.parseInt(text.slice(cursor.at - 2, cursor.at), 16);
  }
  const control = controls[letter];
  // Go: an escaped ASCII character that is no letter or digit stands for itself; everything else is an error.
  if (control === undefined && (letter === '' || letter > '\x7f' || /[0-9A-Za-z]/.test(letter))) {
    throw new MalformedPattern(text);
  }
  cursor.at++;
  return control ?? letter.charCodeAt(0);
}

function readPosixClass(cursor: Cursor): readonly number[] {
  const end = cursor.text.indexOf(':]', cursor.at + 2);
  const name = cursor.text.slice(cursor.at + 2, end);
  const ranges = posixClasses[name.replace(/^\^/, '')];
  if (ranges === undefined) throw new MalformedPattern(cursor.text);
  cursor.at = end + 2;
  return name.startsWith('^') ? complement(ranges) : ranges;
}

/** Of sorted ranges. */
function complement(ranges: readonly number[]): readonly number[] {
  const result: number[] = [];
  let next = 0;
  for (let index = 0; index < ranges.length; index += 2) {
    const low = ranges[index] ?? 0;
    if (low > next) result.push(next, low - 1);
    next = (ranges[index + 1] ?? 0) + 1;
  }
  result.push(next, 0x10ffff);
  return result;
}

const controls: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 };

const perlClasses: Readonly<Record<string, readonly number[]>> = {
  d: [0x30, 0x39],
  s: [0x09, 0x0a, 0x0c, 0x0d, 0x20, 0x20],
  w: [0x30, 0x39, 0x41, 0x5a, 0x5f, 0x5f, 0x61, 0x7a],
};

const posixClasses: Readonly<Record<string, readonly number[]>> = {
  alnum: [0x30, 0x39, 0x41, 0x5a, 0x61, 0x7a],
  alpha: [0x41, 0x5a, 0x61, 0x7a],
  ascii: [0x00, 0x7f],
  blank: [0x09, 0x09, 0x20, 0x20],
  cntrl: [0x00, 0x1f, 0x7f, 0x7f],
  digit: [0x30, 0x39],
  graph: [0x21, 0x7e],
  lower: [0x61, 0x7a],
  print: [0x20, 0x7e],
  punct: [0x21, 0x2f, 0x3a, 0x40, 0x5b, 0x60, 0x7b, 0x7e],
  space: [0x09, 0x0d, 0x20, 0x20],
  upper: [0x41, 0x5a],
  word: [0x30, 0x39, 0x41, 0x5a, 0x5f, 0x5f, 0x61, 0x7a],
  xdigit: [0x30, 0x39, 0x41, 0x46, 0x61, 0x66],
};
