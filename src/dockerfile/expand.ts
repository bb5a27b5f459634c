import { TbuildError } from '../errors.ts';
import type { SourceSpan } from '../errors.ts';
import {
  ExpansionProblem,
  maxResultLength,
  resultTooLong,
  unclosed,
  unsupportedModifier,
} from './expansion-problem.ts';
import { removePrefix, removeSuffix, replaceEvery, replaceFirst } from './shell-pattern.ts';
import { createSplitter } from './word-splitter.ts';
import type { Sink } from './word-splitter.ts';

export interface ExpandOptions {
  /** Takes the names that the text refers to. */
  readonly references?: VariableReferences | undefined;
  /** For the error. */
  readonly span?: SourceSpan | undefined;
  /** `plain`: they mean nothing, as in the body of a heredoc. @default 'remove' */
  readonly quotes?: 'remove' | 'keep' | 'plain' | undefined;
  /** @default 'remove' */
  readonly escapes?: 'remove' | 'keep' | undefined;
  /** Variables that are not set stay as they are written. @default 'empty' */
  readonly unset?: 'empty' | 'keep' | undefined;
}

/** What a result depends on: variables that were there, and those that were not. */
export interface VariableReferences {
  readonly used: Set<string>;
  readonly unset: Set<string>;
}

/**
 * Expands variables and removes quotes and escapes, as BuildKit does. The result is one word, whatever blanks it holds.
 *
 * @param escape the escape character of the Dockerfile
 * @throws TBUILD_EXPANSION for malformed text, for `${v:?}` of what is not set, and for results of more than 1 MiB
 */
export function expandWord(
  word: string,
  env: ReadonlyMap<string, string>,
  escape: string,
  options: ExpandOptions = {},
): string {
  if (!/["'$\\`\uFEFF]/.test(word)) return word;
  return run(word, env, escape, options).result;
}

/** {@link expandWord}, then split at blanks that were neither quoted nor escaped; those in the value of an unquoted variable split too. */
export function expandWords(
  text: string,
  env: ReadonlyMap<string, string>,
  escape: string,
  options: ExpandOptions = {},
): readonly string[] {
  return run(text, env, escape, options).words;
}

interface Cursor {
  readonly text: string;
  at: number;
  depth: number;
  /** Characters compared by patterns, at worst. */
  work: number;
  readonly env: ReadonlyMap<string, string>;
  readonly escape: string;
  readonly references: VariableReferences | undefined;
  readonly quotes: 'remove' | 'keep' | 'plain';
  readonly keepsEscapes: boolean;
  readonly keepsUnset: boolean;
}

interface Stop {
  /** The character that ends the piece, with what to say when it is not there. */
  readonly at: string;
  readonly missing: string;
  /** Escapes stay in the result, for a pattern to read. */
  readonly isRaw: boolean;
}

const maxDepth = 64;
const maxPatternWork = 200_000_000;

function run(
  text: string,
  env: ReadonlyMap<string, string>,
  escape: string,
  { references, span, quotes = 'remove', escapes, unset }: ExpandOptions,
): { readonly result: string; readonly words: readonly string[] } {
  const [keepsEscapes, keepsUnset] = [escapes === 'keep', unset === 'keep'];
  // A byte order mark at the beginning of any text is dropped, as Go's text/scanner does, with which BuildKit reads words.
  const at = text.startsWith('\uFEFF') ? 1 : 0;
  const cursor: Cursor = { text, at, depth: 0, work: 0, env, escape, references, quotes, keepsEscapes, keepsUnset };
  const pieces: string[] = [];
  const splitter = createSplitter();
  let length = 0;
  try {
    readPieces(cursor, undefined, (piece, isSplittable) => {
      length += piece.length;
      if (length > maxResultLength) throw resultTooLong();
      pieces.push(piece);
      splitter.add(piece, isSplittable);
    });
  } catch (cause) {
    if (!(cause instanceof ExpansionProblem)) throw cause;
    const shown = text.length > 200 ? `${text.slice(0, 200)}…` : text;
    const { hint } = cause;
    throw new TbuildError('TBUILD_EXPANSION', `failed to process "${shown}": ${cause.message}`, { span, cause, hint });
  }
  return { result: pieces.join(''), words: splitter.words() };
}

/** Reads up to the stop, or to the end where there is none. */
function readPieces(cursor: Cursor, stop: Stop | undefined, sink: Sink): void {
  const { text, escape } = cursor;
  const isRaw = cursor.keepsEscapes || stop?.isRaw === true;
  const areQuotesPlain = cursor.quotes === 'plain';
  while (cursor.at < text.length) {
    const character = text.charAt(cursor.at);
    if (character === stop?.at) {
      cursor.at++;
      return;
    }
    if (character === "'" && !areQuotesPlain) sink(readSingleQuoted(cursor), false);
    else if (character === '"' && !areQuotesPlain) readDoubleQuoted(cursor, isRaw, sink);
    else if (character === '$') sink(readDollar(cursor), true);
    else if (character === escape) sink(readEscape(cursor, isRaw), false);
    else sink(readPlain(cursor, stop?.at), true);
  }
  if (stop !== undefined) throw new ExpansionProblem(stop.missing);
}

function readPlain(cursor: Cursor, stop: string | undefined): string {
  const { text, escape, quotes } = cursor;
  const start = cursor.at;
  while (cursor.at < text.length) {
    const character = text.charAt(cursor.at);
    if (character === stop || character === escape || character === '$') break;
    if ((character === "'" || character === '"') && quotes !== 'plain') break;
    cursor.at++;
  }
  return text.slice(start, cursor.at);
}

/** An escape makes the next character plain; at the end of the text it is dropped. */
function readEscape(cursor: Cursor, isRaw: boolean): string {
  const escaped = nextCharacter(cursor.text, cursor.at + 1);
  cursor.at += 1 + escaped.length;
  return isRaw ? cursor.escape + escaped : escaped;
}

function readSingleQuoted(cursor: Cursor): string {
  const end = cursor.text.indexOf("'", cursor.at + 1);
  if (end === -1) throw unclosed('single-quote');
  const quoted =
    cursor.quotes === 'keep' ? cursor.text.slice(cursor.at, end + 1) : cursor.text.slice(cursor.at + 1, end);
  cursor.at = end + 1;
  return quoted;
}

function readDoubleQuoted(cursor: Cursor, isRaw: boolean, sink: Sink): void {
  const { text, escape } = cursor;
  const mark = cursor.quotes === 'keep' ? '"' : '';
  cursor.at++;
  sink(mark, false);
  while (cursor.at < text.length) {
    const character = text.charAt(cursor.at);
    if (character === '"') {
      cursor.at++;
      sink(mark, false);
      return;
    }
    if (character === '$') sink(readDollar(cursor), false);
    else if (character === escape) sink(readQuotedEscape(cursor, isRaw), false);
    else sink(readQuotedPlain(cursor), false);
  }
  throw unclosed('double-quote');
}

function readQuotedPlain(cursor: Cursor): string {
  const start = cursor.at;
  while (cursor.at < cursor.text.length) {
    const character = cursor.text.charAt(cursor.at);
    if (character === '"' || character === '$' || character === cursor.escape) break;
    cursor.at++;
  }
  return cursor.text.slice(start, cursor.at);
}

/** Inside double quotes an escape escapes only `"`, `$` and itself; before anything else it is a character like others. */
function readQuotedEscape(cursor: Cursor, isRaw: boolean): string {
  const { text, escape } = cursor;
  const escaped = nextCharacter(text, cursor.at + 1);
  cursor.at += 1 + escaped.length;
  const isSpecial = escaped === '"' || escaped === '$' || escaped === escape;
  return (isRaw ? escape : '') + (isSpecial ? '' : escape) + escaped;
}

/** `$name` or `${…}`; a `$` that starts neither is itself. */
function readDollar(cursor: Cursor): string {
  cursor.at++;
  if (cursor.text.charAt(cursor.at) !== '{') {
    const name = readName(cursor);
    return name === '' ? '$' : (lookUp(cursor, name) ?? (cursor.keepsUnset ? `$${name}` : ''));
  }
  cursor.at++;
  if (++cursor.depth > maxDepth) throw new ExpansionProblem(`more than ${maxDepth} substitutions inside each other`);
  const name = readName(cursor);
  if (name === '') throw new ExpansionProblem('syntax error: bad substitution');
  const value = readSubstitution(cursor, name);
  cursor.depth--;
  return value;
}

function readSubstitution(cursor: Cursor, name: string): string {
  const operator = nextCharacter(cursor.text, cursor.at);
  cursor.at += operator.length;
  const value = lookUp(cursor, name);
  if (value === undefined && cursor.keepsUnset) return keepSubstitution(cursor, name, operator);
  switch (operator) {
    case '}':
      return value ?? '';
    case ':': {
      const second = nextCharacter(cursor.text, cursor.at);
      cursor.at += second.length;
      return applyDefault(cursor, { name, operator: second, value, isColon: true });
    }
    case '#':
    case '%':
      return applyTrim(cursor, operator, value ?? '');
    case '/':
      return applyReplacement(cursor, value ?? '');
    default:
      return applyDefault(cursor, { name, operator, value, isColon: false });
  }
}

/** The substitution as docker writes it again where it leaves it to somebody else. */
function keepSubstitution(cursor: Cursor, name: string, operator: string): string {
  if (operator === '}') return `\${${name}}`;
  if (operator === '/') {
    if (cursor.text.charAt(cursor.at) === '/') cursor.at++;
    const pattern = readOperand(cursor, patternStop);
    return `\${${name}/${pattern}/${readOperand(cursor, trimStop)}}`;
  }
  const second = operator === ':' ? nextCharacter(cursor.text, cursor.at) : '';
  cursor.at += second.length;
  const isPattern = operator === '#' || operator === '%';
  if (!(':+-?'.includes(operator) || isPattern) || second === '#' || second === '%') {
    throw unsupportedModifier(operator + second);
  }
  return `\${${name}${operator}${second}${readOperand(cursor, isPattern ? trimStop : valueStop)}}`;
}

const noBrace = "syntax error: missing '}'";
const valueStop: Stop = { at: '}', missing: noBrace, isRaw: false };
const trimStop: Stop = { at: '}', missing: noBrace, isRaw: true };
const patternStop: Stop = { at: '/', missing: "syntax error: missing '/' in ${}", isRaw: true };

interface Default {
  readonly name: string;
  readonly operator: string;
  readonly value: string | undefined;
  /** With `:`, an empty value counts as none. */
  readonly isColon: boolean;
}

/** The operand is expanded in any case, so that an error in it is one even where it is not needed. */
function applyDefault(cursor: Cursor, { name, operator, value, isColon }: Default): string {
  if (!['-', '+', '?'].includes(operator)) {
    throw unsupportedModifier(`${isColon ? ':' : ''}${operator}`);
  }
  const operand = readOperand(cursor, valueStop);
  const isSet = value !== undefined && !(isColon && value === '');
  if (operator === '+') return isSet ? operand : '';
  if (isSet) return value;
  if (operator === '-') return operand;
  const state = value === undefined ? 'unset' : 'empty';
  throw new ExpansionProblem(`${name}: ${operand === '' ? `is not allowed to be ${state}` : operand}`);
}

function applyTrim(cursor: Cursor, operator: '#' | '%', value: string): string {
  const isGreedy = cursor.text.charAt(cursor.at) === operator;
  if (isGreedy) cursor.at++;
  const pattern = readOperand(cursor, trimStop);
  const remove = operator === '#' ? removePrefix : removeSuffix;
  return matchPattern(cursor, { pattern, work: value.length * pattern.length }, () => remove(value, pattern, isGreedy));
}

function applyReplacement(cursor: Cursor, value: string): string {
  const isEvery = cursor.text.charAt(cursor.at) === '/';
  if (isEvery) cursor.at++;
  const pattern = readOperand(cursor, patternStop);
  const replacement = readOperand(cursor, trimStop);
  return matchPattern(cursor, { pattern, work: value.length * (pattern.length + replacement.length) }, () =>
    isEvery ? replaceEvery(value, pattern, replacement, maxResultLength) : replaceFirst(value, pattern, replacement),
  );
}

function matchPattern(
  cursor: Cursor,
  { pattern, work }: { readonly pattern: string; readonly work: number },
  match: () => string,
): string {
  cursor.work += work;
  if (cursor.work > maxPatternWork) throw new ExpansionProblem('the patterns and values are too long');
  try {
    return match();
  } catch (cause) {
    if (cause instanceof RangeError) throw resultTooLong();
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new ExpansionProblem(`invalid pattern (${pattern}) in substitution: ${cause.message}`, { cause });
  }
}

function readOperand(cursor: Cursor, stop: Stop): string {
  const pieces: string[] = [];
  let length = 0;
  readPieces(cursor, stop, (piece) => {
    length += piece.length;
    if (length > maxResultLength) throw resultTooLong();
    pieces.push(piece);
  });
  return pieces.join('');
}

/** A name, a run of digits, or one of the shell's special parameters, which are never set here. */
function readName(cursor: Cursor): string {
  variableName.lastIndex = cursor.at;
  const name = variableName.exec(cursor.text)?.[0] ?? '';
  cursor.at += name.length;
  return name;
}

const variableName = /[\p{L}_][\p{L}\p{Nd}_]*|\p{Nd}+|[@*#?\-$!]/uy;

function lookUp({ env, references }: Cursor, name: string): string | undefined {
  const value = env.get(name);
  (value === undefined ? references?.unset : references?.used)?.add(name);
  return value;
}

function nextCharacter(text: string, at: number): string {
  const point = text.codePointAt(at);
  return point === undefined ? '' : String.fromCodePoint(point);
}
