import { malformed } from './parse.ts';

export type TemplateFunction = (...args: readonly unknown[]) => unknown;

/** Of text/template, and those that docker adds (docker documentation, "Format command and log output"). */
export const templateFunctions: ReadonlyMap<string, TemplateFunction> = new Map<string, TemplateFunction>([
  ['json', (value) => JSON.stringify(value)],
  ['lower', (text) => string(text).toLowerCase()],
  ['upper', (text) => string(text).toUpperCase()],
  ['title', (text) => string(text).replace(/\b\p{L}/gu, (letter) => letter.toUpperCase())],
  ['split', (text, separator) => string(text).split(string(separator))],
  ['join', (list, separator) => items(list).map(formatValue).join(string(separator))],
  ['truncate', (text, length) => Array.from(string(text)).slice(0, number(length)).join('')],
  ['pad', (text, before, behind) => pad(string(text), number(before), number(behind))],
  ['print', (...values) => values.map(formatValue).join(' ')],
  ['println', (...values) => `${values.map(formatValue).join(' ')}\n`],
  ['printf', (format, ...values) => formatPrintf(string(format), values)],
  ['len', (value) => (typeof value === 'string' ? Buffer.byteLength(value) : items(value).length)],
  ['index', (value, ...keys) => keys.reduce(at, value)],
  ['not', (value) => !isTrue(value)],
  ['and', (...values) => values.find((value) => !isTrue(value)) ?? values.at(-1)],
  ['or', (...values) => values.find(isTrue) ?? values.at(-1)],
  ['eq', (first, ...others) => others.some((other) => first === other)],
  ['ne', (a, b) => a !== b],
  ['lt', (a, b) => compare(a, b) < 0],
  ['le', (a, b) => compare(a, b) <= 0],
  ['gt', (a, b) => compare(a, b) > 0],
  ['ge', (a, b) => compare(a, b) >= 0],
]);

/** text/template: false, 0, nil, and what is empty are not. */
export function isTrue(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}

/** As fmt's %v. */
export function formatValue(value: unknown): string {
  if (value === undefined || value === null) return '<no value>';
  if (Array.isArray(value)) return `[${value.map(formatValue).join(' ')}]`;
  if (typeof value === 'object') {
    const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
    return `map[${members.map(([key, item]) => `${key}:${formatValue(item)}`).join(' ')}]`;
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function string(value: unknown): string {
  if (typeof value === 'string') return value;
  throw malformed(`a text is needed, not ${formatValue(value)}`);
}

function number(value: unknown): number {
  if (typeof value === 'number') return value;
  throw malformed(`a number is needed, not ${formatValue(value)}`);
}

export function items(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (typeof value === 'object' && value !== null) return Object.values(value);
  if (value === undefined || value === null) return [];
  throw malformed(`a list is needed, not ${formatValue(value)}`);
}

function pad(text: string, before: number, behind: number): string {
  return text === '' ? text : `${' '.repeat(before)}${text}${' '.repeat(behind)}`;
}

function at(value: unknown, key: unknown): unknown {
  if (typeof value !== 'object' || value === null) throw malformed(`${formatValue(value)} has no elements`);
  const name = String(key);
  if (Object.hasOwn(value, name)) return (value as Record<string, unknown>)[name];
  if (Array.isArray(value)) throw malformed(`index out of range: ${name}`);
  return undefined;
}

function compare(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0;
  throw malformed(`${formatValue(a)} and ${formatValue(b)} cannot be compared`);
}

const verbs = /%(?<flags>[-0]*)(?<width>\d*)(?:\.(?<precision>\d+))?(?<verb>.)/gs;

/** The verbs %s %v %q %d %t %x and %%, with flags, width and precision. */
function formatPrintf(format: string, values: readonly unknown[]): string {
  const rest = [...values];
  const text = format.replace(verbs, (...match) => formatArgument(match.at(-1) as Verb, rest));
  if (rest.length > 0) throw malformed('printf: there are more values than verbs');
  return text;
}

interface Verb {
  readonly flags: string;
  readonly width: string;
  readonly precision: string | undefined;
  readonly verb: string;
}

function formatArgument({ flags, width, precision, verb }: Verb, rest: unknown[]): string {
  if (verb === '%') return '%';
  if (!'svqdtx'.includes(verb)) throw malformed(`printf: %${verb} is not supported`);
  if (rest.length === 0) throw malformed(`printf: there is no value for %${verb}`);
  const value = formatVerb(verb, rest.shift());
  const cut = precision === undefined ? value : Array.from(value).slice(0, Number(precision)).join('');
  return flags.includes('-') ? cut.padEnd(Number(width)) : cut.padStart(Number(width), flags.includes('0') ? '0' : ' ');
}

function formatVerb(verb: string, value: unknown): string {
  if (verb === 'q') return JSON.stringify(formatValue(value));
  if (verb === 'd') return String(number(value));
  if (verb === 'x') return typeof value === 'number' ? value.toString(16) : Buffer.from(string(value)).toString('hex');
  return formatValue(value);
}
