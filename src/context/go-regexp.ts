import { MalformedPattern } from './go-match.ts';
import type { CharacterSet, Cursor } from './go-regexp-class.ts';
import { contains, readCharacter, readClass, readNamedClass, single } from './go-regexp-class.ts';

/**
 * A program for the small part of Go's regular expressions that an ignore pattern can turn into (see `ignore-pattern.ts`): characters, classes, repeated classes, `.*`, optional parents and a few assertions.
 * It is matched against the whole text.
 */
export type Program = readonly Instruction[];

export type Instruction =
  | { readonly op: 'one'; readonly set: CharacterSet }
  | { readonly op: 'many'; readonly set: CharacterSet }
  /** Go on here or at `to`. */
  | { readonly op: 'split'; readonly to: number }
  | { readonly op: 'assert'; readonly what: 'begin' | 'end' | 'boundary' | 'no-boundary' };

const optionalParents = '(.*/)?';
const anything: CharacterSet = { negated: true, ranges: [], tables: [] };
const notNewline: CharacterSet = { negated: true, ranges: [0x0a, 0x0a], tables: [] };

export function parseGoRegexp(text: string): Program {
  const cursor: Cursor = { text, at: 0 };
  const program: Instruction[] = [];
  while (cursor.at < text.length) {
    if (text.startsWith(optionalParents, cursor.at)) {
      cursor.at += optionalParents.length;
      program.push({ op: 'split', to: program.length + 3 }, { op: 'many', set: notNewline });
      program.push({ op: 'one', set: single(0x2f) });
      continue;
    }
    const what = readAssertion(cursor);
    if (what !== undefined) {
      program.push({ op: 'assert', what });
      continue;
    }
    if (text.startsWith('\\Q', cursor.at)) {
      pushQuoted(cursor, program);
      continue;
    }
    const set = readSet(cursor);
    const repeated = text[cursor.at] === '*';
    if (repeated) cursor.at++;
    program.push({ op: repeated ? 'many' : 'one', set });
  }
  return program;
}

/** Follows all possibilities at once, so time is at most program × text. */
export function runProgram(program: Program, text: string): boolean {
  const points = Array.from(text, (character) => character.codePointAt(0) ?? 0);
  let active = new Uint8Array(program.length + 1);
  enter(program, active, { pc: 0, points, at: 0 });
  for (let at = 0; at < points.length; at++) {
    const next = new Uint8Array(program.length + 1);
    for (const [pc, instruction] of program.entries()) {
      if (active[pc] === 0 || instruction.op === 'split' || instruction.op === 'assert') continue;
      if (!contains(instruction.set, points[at] ?? 0)) continue;
      enter(program, next, { pc: instruction.op === 'many' ? pc : pc + 1, points, at: at + 1 });
    }
    active = next;
  }
  return active[program.length] === 1;
}

/**
 * The same program as a JavaScript expression, which is many times faster, or undefined where backtracking could take long
 * (more than two loops) or the meaning of an instruction differs.
 */
export function toRegExp(program: Program): RegExp | undefined {
  let source = '';
  let loops = 0;
  for (const [index, instruction] of program.entries()) {
    if (instruction.op === 'assert') return undefined;
    if (instruction.op === 'split') {
      source += '(?:';
      continue;
    }
    if (instruction.set.tables.length > 0) return undefined;
    source += setSource(instruction.set);
    if (instruction.op === 'many') {
      source += '*';
      loops++;
    }
    const opener = program[index - 2];
    if (opener?.op === 'split' && opener.to === index + 1) source += ')?';
  }
  return loops > 2 ? undefined : new RegExp(`^${source}$`, 'u');
}

interface Position {
  readonly pc: number;
  readonly points: readonly number[];
  readonly at: number;
}

function enter(program: Program, active: Uint8Array, { pc, points, at }: Position): void {
  if (active[pc] === 1) return;
  active[pc] = 1;
  const instruction = program[pc];
  if (instruction === undefined || instruction.op === 'one') return;
  if (instruction.op === 'assert' && !holds(instruction.what, points, at)) return;
  if (instruction.op === 'split') enter(program, active, { pc: instruction.to, points, at });
  enter(program, active, { pc: pc + 1, points, at });
}

function holds(what: 'begin' | 'end' | 'boundary' | 'no-boundary', points: readonly number[], at: number): boolean {
  if (what === 'begin') return at === 0;
  if (what === 'end') return at === points.length;
  return (isWord(points[at - 1]) !== isWord(points[at])) === (what === 'boundary');
}

function isWord(point: number | undefined): boolean {
  return point !== undefined && point < 0x80 && /\w/.test(String.fromCharCode(point));
}

function readAssertion(cursor: Cursor): 'begin' | 'end' | 'boundary' | 'no-boundary' | undefined {
  if (cursor.text[cursor.at] === '^') {
    cursor.at++;
    return 'begin';
  }
  if (cursor.text[cursor.at] !== '\\') return undefined;
  const what = ({ A: 'begin', z: 'end', b: 'boundary', B: 'no-boundary' } as const)[
    cursor.text[cursor.at + 1] as 'A' | 'z' | 'b' | 'B'
  ];
  if (what !== undefined) cursor.at += 2;
  return what;
}

/** `\Q…\E`. Left open it swallows Docker's closing `$` too, so that a literal `$` and then anything may follow. */
function pushQuoted(cursor: Cursor, program: Instruction[]): void {
  const close = cursor.text.indexOf('\\E', cursor.at + 2);
  const quoted = close < 0 ? `${cursor.text.slice(cursor.at + 2)}$` : cursor.text.slice(cursor.at + 2, close);
  for (const character of quoted) program.push({ op: 'one', set: single(character.codePointAt(0) ?? 0) });
  if (close < 0) program.push({ op: 'many', set: anything });
  cursor.at = close < 0 ? cursor.text.length : close + 2;
}

function readSet(cursor: Cursor): CharacterSet {
  const character = cursor.text[cursor.at];
  if (character === '[') {
    cursor.at++;
    return readClass(cursor);
  }
  if (character === '.') {
    cursor.at++;
    return notNewline;
  }
  const named = readNamedClass(cursor);
  if (named !== undefined) return named;
  if (character === '(' || character === ')') throw new MalformedPattern(cursor.text);
  return single(readCharacter(cursor));
}

function setSource(set: CharacterSet): string {
  let source = set.negated ? '[^' : '[';
  for (let index = 0; index < set.ranges.length; index += 2) {
    source += `${escaped(set.ranges[index] ?? 0)}-${escaped(set.ranges[index + 1] ?? 0)}`;
  }
  return `${source}]`;
}

function escaped(point: number): string {
  return `\\u{${point.toString(16)}}`;
}
