import { lineSpan } from './physical-lines.ts';
import type { PhysicalLine } from './physical-lines.ts';
import { defaultCheckOptions, parseCheckOptions } from './check-options.ts';
import type { CheckOptions } from './check-options.ts';
import { trimGoSpace } from './go-space.ts';
import { checkFrontend } from './frontend.ts';
import { syntaxError } from './syntax-error.ts';

export interface Directives {
  readonly escape: '\\' | '`';
  readonly check: CheckOptions;
  /** How many lines at the top of the file they are. */
  readonly count: number;
}

type Line = Pick<PhysicalLine, 'number' | 'content'>;

/** Directives that mean nothing, because a build argument says it: `syntax` with BUILDKIT_SYNTAX, `check` with BUILDKIT_DOCKERFILE_CHECK. */
export type OverriddenDirectives = ReadonlySet<'syntax' | 'check'>;

export const noneOverridden: OverriddenDirectives = new Set();

/**
 * The `# name=value` lines at the top of a file. They end with the first line that is anything else, an unknown name included, as docker has it.
 * Throws TBUILD_DOCKERFILE_SYNTAX, and TBUILD_UNSUPPORTED for a `syntax` that is not ours (frontend.ts).
 */
export function readDirectives(lines: readonly Line[], file: string, overridden: OverriddenDirectives): Directives {
  if (!overridden.has('syntax')) checkSyntax(lines, file);
  const found = new Map<string, { value: string; line: Line }>();
  for (const line of lines) {
    const { name, value } = readDirective(line.content, '#') ?? { name: '', value: '' };
    if (!names.has(name)) break;
    if (found.has(name)) throw syntaxError(`only one ${name} parser directive can be used`, lineSpan(line, file));
    found.set(name, { value, line });
  }
  const escape = found.get('escape');
  if (escape !== undefined && escape.value !== '\\' && escape.value !== '`') {
    throw syntaxError(`invalid escape token '${escape.value}' does not match \` or \\`, lineSpan(escape.line, file));
  }
  const check = overridden.has('check') ? undefined : found.get('check');
  return {
    escape: escape?.value === '`' ? '`' : '\\',
    check: check === undefined ? defaultCheckOptions : parseCheckOptions(check.value, lineSpan(check.line, file)),
    count: found.size,
  };
}

const names: ReadonlySet<string> = new Set(['syntax', 'escape', 'check']);

/** `syntax` is read below a `#!` line too, behind `//`, and as the member of a JSON object: other languages than Dockerfiles have their comments so. */
function checkSyntax(lines: readonly Line[], file: string): void {
  const [first] = lines;
  const below = first?.content.startsWith('#!') === true ? lines.slice(1) : lines;
  const found = findSyntax(below, '#') ?? findSyntax(below, '//') ?? syntaxOfJson(lines);
  if (found !== undefined) checkFrontend(found.value, lineSpan(found.line, file));
}

interface FoundSyntax {
  readonly value: string;
  readonly line: Line;
}

function findSyntax(lines: readonly Line[], mark: '#' | '//'): FoundSyntax | undefined {
  for (const line of lines) {
    const directive = readDirective(line.content, mark);
    if (directive === undefined || !names.has(directive.name)) return undefined;
    if (directive.name === 'syntax') return { value: directive.value, line };
  }
  return undefined;
}

/** Only where the whole file is one object of strings. */
function syntaxOfJson(lines: readonly Line[]): FoundSyntax | undefined {
  const line = lines.find(({ content }) => trimGoSpace(content) !== '');
  if (line === undefined || !trimGoSpace(line.content).startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(lines.map(({ content }) => content).join('\n'));
    const members: Readonly<Record<string, unknown>> = Object.assign(Object.create(null), value);
    const { syntax } = members;
    const isOfStrings = Object.values(members).every((member) => typeof member === 'string');
    return typeof syntax === 'string' && isOfStrings ? { value: syntax, line } : undefined;
  } catch {
    return undefined;
  }
}

function readDirective(line: string, mark: '#' | '//'): { readonly name: string; readonly value: string } | undefined {
  const match = directives[mark].exec(line);
  if (match === null) return undefined;
  const value = trimGoSpace(line.slice(match[0].length));
  return value === '' ? undefined : { name: match[1]?.toLowerCase() ?? '', value };
}

const directives = {
  '#': /^[ \t\v\f]*#[ \t\v\f]*([a-zA-Z][a-zA-Z0-9]*)[ \t\v\f]*=/,
  '//': /^[ \t\v\f]*\/\/[ \t\v\f]*([a-zA-Z][a-zA-Z0-9]*)[ \t\v\f]*=/,
};
