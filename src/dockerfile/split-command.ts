import { isGoSpace, trimGoSpace } from './go-space.ts';

export interface SplitCommand {
  /** As written. */
  readonly keyword: string;
  /** `--name` or `--name=value`, quotes and escapes resolved, in order. */
  readonly flags: readonly SplitFlag[];
  readonly args: string;
  /** Where `args` begins in the line. */
  readonly argsStart: number;
}

export interface SplitFlag {
  readonly text: string;
  /** Its first character in the line, and the one behind its last. */
  readonly start: number;
  readonly end: number;
}

/** Splits a joined line as docker does: keyword, the words with `--` that follow it, and the rest. */
export function splitCommand(joined: string): SplitCommand {
  const text = trimGoSpace(joined);
  const begin = skipSpace(joined, 0);
  const line = joined.slice(0, begin + text.length);
  const blank = /[\t\v\f\r ]+/.exec(text);
  if (blank === null) return { keyword: text, flags: [], args: '', argsStart: line.length };
  const { flags, end } = readFlags(line, begin + blank.index + blank[0].length);
  return { keyword: text.slice(0, blank.index), flags, args: line.slice(end), argsStart: end };
}

/** The flags, and where they end. */
function readFlags(line: string, from: number): { readonly flags: readonly SplitFlag[]; readonly end: number } {
  const flags: SplitFlag[] = [];
  let at = skipSpace(line, from);
  while (line.startsWith('--', at)) {
    const flag = readFlag(line, at);
    at = skipSpace(line, flag.end);
    if (flag.text === '--') break;
    flags.push(flag);
  }
  return { flags, end: at };
}

/** One word, up to a blank outside quotes. The escape is always `\` here, whatever the escape directive says. */
function readFlag(line: string, start: number): SplitFlag {
  let text = '';
  let quote: string | undefined;
  let at = start;
  for (; at < line.length; at++) {
    const character = line.charAt(at);
    if (character === '\\') text += line.charAt(++at);
    else if (character === quote) quote = undefined;
    else if (quote !== undefined) text += character;
    else if (character === "'" || character === '"') quote = character;
    else if (isGoSpace(character)) break;
    else text += character;
  }
  return { text, start, end: Math.min(at, line.length) };
}

function skipSpace(line: string, from: number): number {
  let at = from;
  while (at < line.length && isGoSpace(line.charAt(at))) at++;
  return at;
}
