/** Go's `%q` of a string: what the history of a docker build shows for CMD, ENTRYPOINT and HEALTHCHECK. */
export function quoteString(text: string): string {
  return `"${Array.from(text, (character) => escapeCharacter(character, '"')).join('')}"`;
}

/** Go's `%q` of an integer: the character of that code point in single quotes. docker prints HEALTHCHECK's retries so. */
export function quoteCharacter(codePoint: number): string {
  const isValid = codePoint >= 0 && codePoint <= 0x10ffff && !(codePoint >= 0xd800 && codePoint <= 0xdfff);
  return `'${escapeCharacter(isValid ? String.fromCodePoint(codePoint) : '\ufffd', "'")}'`;
}

/** Go's `%q` of a list of strings. */
export function quoteStrings(list: readonly string[]): string {
  return `[${list.map(quoteString).join(' ')}]`;
}

/** Go's `time.Duration.String()`: `1m30s`, `1.5s`, `2h0m0s`, `0s`. */
export function formatDuration(nanoseconds: number): string {
  if (nanoseconds === 0) return '0s';
  if (nanoseconds < 1e3) return `${nanoseconds}ns`;
  if (nanoseconds < 1e6) return `${decimal(nanoseconds, 3)}µs`;
  if (nanoseconds < 1e9) return `${decimal(nanoseconds, 6)}ms`;
  const seconds = `${decimal(nanoseconds % 60e9, 9)}s`;
  const minutes = Math.floor(nanoseconds / 60e9);
  if (minutes === 0) return seconds;
  if (minutes < 60) return `${minutes}m${seconds}`;
  return `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}`;
}

/** value / 10^places without rounding and without trailing zeros. */
function decimal(value: number, places: number): string {
  const digits = String(value).padStart(places + 1, '0');
  const fraction = digits.slice(-places).replace(/0+$/, '');
  return `${digits.slice(0, -places)}${fraction === '' ? '' : `.${fraction}`}`;
}

const namedEscapes: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
};

function escapeCharacter(character: string, quote: string): string {
  if (character === quote) return `\\${quote}`;
  const named = namedEscapes[character];
  if (named !== undefined) return named;
  // Most are ASCII; the classes of Unicode take milliseconds to compile.
  if (/^[ -~]$/.test(character) || /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(character)) return character;
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20 || code === 0x7f) return `\\x${code.toString(16).padStart(2, '0')}`;
  return code < 0x10000 ? `\\u${code.toString(16).padStart(4, '0')}` : `\\U${code.toString(16).padStart(8, '0')}`;
}
