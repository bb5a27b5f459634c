// What commands print, and what Dockerfiles and images say of themselves, is hostile: on a terminal it must not move the cursor, change modes, or make the terminal answer.

/** Escape sequences (ECMA-48): CSI; strings (OSC, DCS, SOS, PM, APC), also such as never end; the others, of two or three bytes. */
const escapeSequence =
  '(?:\\x1b\\[|\\x9b)[0-?]*[ -/]*[@-~]?|(?:\\x1b[\\]PX^_]|[\\x9d\\x90\\x98\\x9e\\x9f])[^\\x07\\x1b\\x9c\\n]*(?:\\x07|\\x1b\\\\|\\x9c)?|\\x1b[ -/]*[0-~]?';
/** Control characters, marks that turn the direction of writing, halves of characters. */
const unprintable = '[\\p{Cc}\\p{Zl}\\p{Zp}\\p{Cs}\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069\\ufeff]';

const anyEscapeSequence = new RegExp(escapeSequence, 'gu');
const anyUnprintable = new RegExp(unprintable, 'gu');
const anyOfBoth = new RegExp(`${escapeSequence}|${unprintable}`, 'gu');

/** Colours and the like: the one sequence that leaves everything where it is. */
const colour = new RegExp(String.raw`^\u{1b}\[[\d;:]*m$`, 'u');

const tabWidth = 8;

/** One line as a terminal would leave it, without escape sequences: after carriage returns only what was written last counts. */
export function printableLine(line: string): string {
  if (isPlain(line)) return line;
  const bare = line.replace(anyEscapeSequence, '').replace(/\r+$/, '');
  return expandTabs(bare.slice(bare.lastIndexOf('\r') + 1)).replace(anyUnprintable, '');
}

/** A text for a terminal: lines, tabs, carriage returns and colours stay, which end with their line; whatever else could do something is left out. */
export function printableText(text: string): string {
  return text.split('\n').map(withColours).join('\n');
}

/** The text as it is shown on a terminal of this environment: `printableText`, in the terminal's encoding. */
export function textForTerminal(text: string, env: NodeJS.ProcessEnv): string {
  return encoderFor(env)(printableText(text));
}

/** Makes what the terminal's encoding does not have showable: its bytes might be control characters there. */
export function encoderFor(env: NodeJS.ProcessEnv): (text: string) => string {
  return hasUnicode(env) ? (text) => text : (text) => text.replace(/[\u{80}-\u{10ffff}]/gu, '?');
}

/** By the locale (POSIX, "Internationalization Variables"). The console of Linux has too few glyphs. */
export function hasUnicode(env: NodeJS.ProcessEnv): boolean {
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '';
  return env['TERM'] !== 'linux' && /utf-?8/i.test(locale);
}

function withColours(line: string): string {
  if (isPlain(line)) return line;
  let isColoured = false;
  const text = line.replace(anyOfBoth, (found) => {
    if (found === '\t' || found === '\r') return found;
    if (!colour.test(found)) return '';
    isColoured = true;
    return found;
  });
  return isColoured ? `${text}\u001b[0m` : text;
}

function isPlain(line: string): boolean {
  return /^[ -~]*$/.test(line);
}

function expandTabs(line: string): string {
  if (!line.includes('\t')) return line;
  let column = 0;
  return line.replace(/\t|[^\t]+/g, (part) => {
    const text = part === '\t' ? ' '.repeat(tabWidth - (column % tabWidth)) : part;
    column += text.length;
    return text;
  });
}
