import { lineSpan } from './physical-lines.ts';
import type { PhysicalLine } from './physical-lines.ts';
import { defaultCheckOptions, parseCheckOptions } from './check-options.ts';
import type { CheckOptions } from './check-options.ts';
import { trimGoSpace } from './go-space.ts';
import { syntaxError, unsupported } from './syntax-error.ts';

export interface Directives {
  readonly escape: '\\' | '`';
  readonly check: CheckOptions;
}

type Line = Pick<PhysicalLine, 'number' | 'content'>;

/**
 * The `# name=value` lines at the top of a file. They end with the first line that is anything else, an unknown name included, as docker has it.
 * A `syntax` that names one of Docker's own version 1 frontends is what tbuild implements; any other is TBUILD_UNSUPPORTED.
 */
export function readDirectives(lines: readonly Line[], file: string): Directives {
  // Docker looks for `syntax` below a `#!` line too, but not for the others.
  const isScript = lines[0]?.content.startsWith('#!') === true;
  const found = new Map<string, { value: string; line: Line }>();
  for (const line of isScript ? lines.slice(1) : lines) {
    const match = directive.exec(line.content);
    const name = match?.[1]?.toLowerCase() ?? '';
    const value = trimGoSpace(line.content.slice(match?.[0].length));
    if (!names.has(name) || value === '') break;
    if (found.has(name)) throw syntaxError(`only one ${name} parser directive can be used`, lineSpan(line, file));
    found.set(name, { value, line });
  }
  const syntax = found.get('syntax');
  if (syntax !== undefined && !dockerFrontend.test(syntax.value)) {
    throw unsupported(
      `the frontend ${syntax.value}`,
      lineSpan(syntax.line, file),
      'tbuild reads the language of docker/dockerfile:1; remove the syntax line if the file needs no more than that.',
    );
  }
  const escape = isScript ? undefined : found.get('escape');
  if (escape !== undefined && escape.value !== '\\' && escape.value !== '`') {
    throw syntaxError(`invalid escape token '${escape.value}' does not match \` or \\`, lineSpan(escape.line, file));
  }
  const check = isScript ? undefined : found.get('check');
  return {
    escape: escape?.value === '`' ? '`' : '\\',
    check: check === undefined ? defaultCheckOptions : parseCheckOptions(check.value, lineSpan(check.line, file)),
  };
}

const directive = /^[ \t\v\f]*#[ \t\v\f]*([a-zA-Z][a-zA-Z0-9]*)[ \t\v\f]*=/;
const names: ReadonlySet<string> = new Set(['syntax', 'escape', 'check']);
const dockerFrontend =
  /^(?:docker\.io\/)?docker\/dockerfile(?::(?:latest|labs|1(?:\.\d+){0,2}(?:-labs)?))?(?:@sha256:[0-9a-f]{64})?$/;
