export type Token =
  | { readonly kind: 'end' }
  /** What ends a command. */
  | { readonly kind: 'operator' }
  /** The next word is a file. */
  | { readonly kind: 'redirect'; readonly writes: boolean }
  | {
      readonly kind: 'word';
      readonly text: string;
      /** The texts of `$(…)` and backquotes in it. */
      readonly substituted: readonly string[];
    };

export interface Reader {
  next(): Token;
}

interface Cursor {
  readonly text: string;
  at: number;
  /** Ends of heredocs whose bodies begin behind the next newline. */
  readonly heredocs: { readonly delimiter: string; readonly isIndented: boolean }[];
}

const end: Token = { kind: 'end' };
const operator: Token = { kind: 'operator' };

/** The tokens of a shell text. Bodies of heredocs and comments are left out. */
export function createReader(text: string): Reader {
  const cursor: Cursor = { text, at: 0, heredocs: [] };
  return { next: () => next(cursor) };
}

function next(cursor: Cursor): Token {
  for (;;) {
    skipBlanks(cursor);
    const { text, at } = cursor;
    if (at >= text.length) return end;
    const character = text[at] ?? '';
    if (character === '\n') {
      cursor.at++;
      skipBodies(cursor);
      return operator;
    }
    if (text.startsWith('<<', at) && !text.startsWith('<<<', at)) {
      readHeredocMark(cursor);
      continue;
    }
    const [redirect] = /^\d*(?:&>>?|<<<|<>|[<>]&(?:\d+|-)|[<>]&|<|>>|>\||>)/.exec(text.slice(at, at + 16)) ?? [];
    if (redirect !== undefined) {
      cursor.at += redirect.length;
      // `2>&1` names no file.
      if (/&[\d-]/.test(redirect)) continue;
      return { kind: 'redirect', writes: redirect.includes('>') };
    }
    if (!';&|()'.includes(character)) return readWord(cursor);
    cursor.at++;
    return operator;
  }
}

function skipBlanks(cursor: Cursor): void {
  const { text } = cursor;
  for (; cursor.at < text.length; cursor.at++) {
    const character = text[cursor.at] ?? '';
    if (text.startsWith('\\\n', cursor.at)) cursor.at++;
    else if (character === '#') {
      const newline = text.indexOf('\n', cursor.at);
      cursor.at = newline === -1 ? text.length : newline;
      return;
    } else if (!' \t\r\v\f'.includes(character)) return;
  }
}

function readHeredocMark(cursor: Cursor): void {
  const isIndented = cursor.text.startsWith('<<-', cursor.at);
  cursor.at += isIndented ? 3 : 2;
  skipBlanks(cursor);
  const { text: delimiter } = readWord(cursor);
  if (delimiter !== '') cursor.heredocs.push({ delimiter, isIndented });
}

function skipBodies(cursor: Cursor): void {
  for (let heredoc = cursor.heredocs.shift(); heredoc !== undefined; heredoc = cursor.heredocs.shift()) {
    const { delimiter, isIndented } = heredoc;
    while (cursor.at < cursor.text.length) {
      const newline = cursor.text.indexOf('\n', cursor.at);
      const lineEnd = newline === -1 ? cursor.text.length : newline;
      const line = cursor.text.slice(cursor.at, lineEnd);
      cursor.at = newline === -1 ? lineEnd : lineEnd + 1;
      if ((isIndented ? line.replace(/^\t+/, '') : line) === delimiter) break;
    }
  }
}

function readWord(cursor: Cursor): Extract<Token, { kind: 'word' }> {
  const { text } = cursor;
  const substituted: string[] = [];
  let word = '';
  const start = cursor.at;
  while (cursor.at < text.length) {
    const character = text[cursor.at] ?? '';
    if (' \t\r\v\f\n;|()<>'.includes(character) || (character === '&' && cursor.at > start)) break;
    if (character === '\\') {
      if (text[cursor.at + 1] !== '\n') word += text[cursor.at + 1] ?? '';
      cursor.at += 2;
    } else if (character === "'") word += readSingle(cursor);
    else if (character === '"') word += readDouble(cursor, substituted);
    else if (character === '$' || character === '`') word += readDollar(cursor, substituted);
    else {
      word += character;
      cursor.at++;
    }
  }
  // An operator where a word is wanted, as in `> ;`.
  return { kind: 'word', text: word, substituted };
}

function readSingle(cursor: Cursor): string {
  const close = cursor.text.indexOf("'", cursor.at + 1);
  const stop = close === -1 ? cursor.text.length : close;
  const inner = cursor.text.slice(cursor.at + 1, stop);
  cursor.at = stop + 1;
  return inner;
}

function readDouble(cursor: Cursor, substituted: string[]): string {
  const { text } = cursor;
  let inner = '';
  cursor.at++;
  while (cursor.at < text.length && text[cursor.at] !== '"') {
    const character = text[cursor.at] ?? '';
    if (character === '\\') {
      const escaped = text[cursor.at + 1] ?? '';
      if (escaped !== '\n') inner += '"\\$`'.includes(escaped) ? escaped : `\\${escaped}`;
      cursor.at += 2;
    } else if (character === '$' || character === '`') inner += readDollar(cursor, substituted);
    else {
      inner += character;
      cursor.at++;
    }
  }
  cursor.at++;
  return inner;
}

/** `$A`, `${A:-b c}`, `$(…)`, `$((…))` and backquotes stay as they are written. */
function readDollar(cursor: Cursor, substituted: string[]): string {
  const { text, at } = cursor;
  const stop =
    text[at] === '`'
      ? closingOf(text, at + 1, { open: undefined, close: '`' })
      : text[at + 1] === '('
        ? closingOf(text, at + 2, { open: '(', close: ')' })
        : text[at + 1] === '{'
          ? closingOf(text, at + 2, { open: '{', close: '}' })
          : at + 1;
  const raw = text.slice(at, stop);
  const [, inner] = /^(?:`([^]*?)`?|\$\((?!\()([^]*?)\)?)$/.exec(raw)?.filter((part) => part !== undefined) ?? [];
  if (inner !== undefined) substituted.push(inner);
  cursor.at = stop;
  return raw;
}

/** Behind the end of something that may hold others of its kind, and quotes. */
function closingOf(
  text: string,
  from: number,
  { open, close }: { readonly open: string | undefined; readonly close: string },
): number {
  let depth = 1;
  let quote: string | undefined;
  for (let at = from; at < text.length; at++) {
    const character = text[at] ?? '';
    if (character === '\\' && quote !== "'") at++;
    else if (quote !== undefined) quote = character === quote ? undefined : quote;
    else if (character === "'" || character === '"') quote = character;
    else if (character === close) {
      depth--;
      if (depth === 0) return at + 1;
    } else if (character === open) depth++;
  }
  return text.length;
}
