import type { SourceSpan } from '../errors.ts';
import { syntaxError } from './syntax-error.ts';

/** `# check=skip=RuleA,RuleB;error=true` */
export interface CheckOptions {
  /** Rule names, or `all`. */
  readonly skipped: ReadonlySet<string>;
  /** A warning fails the build. */
  readonly isError: boolean;
}

export const defaultCheckOptions: CheckOptions = { skipped: new Set(), isError: false };

/** Docker's grammar to the letter: names and option keys are case-sensitive, no blanks around `=`. */
export function parseCheckOptions(value: string, span: SourceSpan): CheckOptions {
  const skipped = new Set<string>();
  let isError = false;
  for (const option of value.split(';').map((each) => each.trim())) {
    const equals = option.indexOf('=');
    const key = equals === -1 ? undefined : option.slice(0, equals);
    const text = option.slice(equals + 1);
    if (key === 'skip') for (const name of text.split(',')) skipped.add(name.trim());
    else if (key === 'error') isError = parseBoolean(text, span);
    // `experimental` switches on rules that tbuild does not have.
    else if (key !== 'experimental') {
      throw syntaxError(
        `invalid check option "${option}"`,
        span,
        'Write skip=RULE,RULE or error=true, separated by semicolons.',
      );
    }
  }
  return { skipped, isError };
}

function parseBoolean(text: string, span: SourceSpan): boolean {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true;
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text)) return false;
  throw syntaxError(`failed to parse check option "error=${text}": not a boolean`, span);
}
