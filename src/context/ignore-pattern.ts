import { compileGoMatch } from './go-match.ts';
import { parseGoRegexp, runProgram, toRegExp } from './go-regexp.ts';

/**
 * Compiles one cleaned pattern of an ignore file (without its `!`) to a test on a whole path.
 * Docker (moby/patternmatcher) translates patterns to Go regular expressions, with short cuts for exact, prefix and suffix forms that mean something else than the expression would:
 * `**foo` ends in foo anywhere, `foo**` begins with foo. Both are kept, as is what follows from the translation (`\d` is a digit, `[[:alpha:]]` a POSIX class).
 * Throws `MalformedPattern`.
 */
export function compileIgnorePattern(pattern: string): (path: string) => boolean {
  // Docker's syntax check, which is stricter than that of the expression in some points.
  compileGoMatch(pattern);
  const { form, expression } = translate(pattern);
  if (form === 'exact') return (path) => path === pattern;
  if (form === 'prefix') {
    const prefix = pattern.slice(0, -2);
    return (path) => path.startsWith(prefix);
  }
  if (form === 'suffix') {
    const suffix = pattern.slice(2);
    return (path) => path.endsWith(suffix) || (suffix.startsWith('/') && path === suffix.slice(1));
  }
  const program = parseGoRegexp(expression);
  const native = toRegExp(program);
  return native === undefined ? (path) => runProgram(program, path) : (path) => native.test(path);
}

type Form = 'exact' | 'prefix' | 'suffix' | 'expression';

/** The expression is unanchored text: it is always matched against the whole path. */
export function translate(pattern: string): { readonly form: Form; readonly expression: string } {
  let form: Form = 'exact';
  let expression = '';
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at] ?? '';
    if (character === '*' && pattern[at + 1] === '*') {
      const first = at === 0;
      at += pattern[at + 2] === '/' ? 2 : 1;
      if (at + 1 < pattern.length) {
        expression += '(.*/)?';
        form = 'expression';
      } else if (form === 'exact') {
        form = 'prefix';
      } else {
        expression += '.*';
        form = 'expression';
      }
      if (first) form = 'suffix';
    } else if (character === '*' || character === '?') {
      expression += character === '*' ? '[^/]*' : '[^/]';
      form = 'expression';
    } else if ('.+()|{}$'.includes(character)) {
      expression += `\\${character}`;
    } else if (character === '\\') {
      expression += `\\${pattern[++at] ?? ''}`;
      form = 'expression';
    } else {
      if (character === '[' || character === ']') form = 'expression';
      expression += character;
    }
  }
  return { form, expression };
}
