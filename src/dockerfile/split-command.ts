import { isGoSpace, trimGoSpace, trimGoSpaceStart } from './go-space.ts';

export interface SplitCommand {
  /** As written. */
  readonly keyword: string;
  /** `--name` or `--name=value`, quotes and escapes resolved, in order. */
  readonly flags: readonly string[];
  readonly args: string;
}

/** Splits a joined line as docker does: keyword, the words with `--` that follow it, and the rest. */
export function splitCommand(line: string): SplitCommand {
  const text = trimGoSpace(line);
  const blank = /[\t\v\f\r ]+/.exec(text);
  if (blank === null) return { keyword: text, flags: [], args: '' };
  const { flags, rest } = splitFlags(text.slice(blank.index + blank[0].length));
  return { keyword: text.slice(0, blank.index), flags, args: trimGoSpace(rest) };
}

function splitFlags(line: string): { readonly flags: readonly string[]; readonly rest: string } {
  const flags: string[] = [];
  let rest = trimGoSpaceStart(line);
  while (rest.startsWith('--')) {
    const { word, length } = readFlag(rest);
    rest = trimGoSpaceStart(rest.slice(length));
    if (word === '--') break;
    flags.push(word);
  }
  return { flags, rest };
}

/** One word, up to a blank outside quotes. The escape is always `\` here, whatever the escape directive says. */
function readFlag(text: string): { readonly word: string; readonly length: number } {
  let word = '';
  let quote: string | undefined;
  let at = 0;
  for (; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === '\\') word += text.charAt(++at);
    else if (character === quote) quote = undefined;
    else if (quote !== undefined) word += character;
    else if (character === "'" || character === '"') quote = character;
    else if (isGoSpace(character)) break;
    else word += character;
  }
  return { word, length: at };
}
