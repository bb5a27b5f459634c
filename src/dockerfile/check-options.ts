import { TbuildError } from '../errors.ts';
import type { SourceSpan } from '../errors.ts';
import { checkArgument } from './predefined-args.ts';
import { syntaxError } from './syntax-error.ts';

/** `# check=skip=RuleA,RuleB;error=true;experimental=RuleC`. Plain data. */
export interface CheckOptions {
  /** Rule names, or `all`. */
  readonly skip: readonly string[];
  /** Names of rules that are looked at only when they are asked for, or `all`. They win over `skip`. */
  readonly experimental: readonly string[];
  /** A finding fails the build. */
  readonly isError: boolean;
}

export const defaultCheckOptions: CheckOptions = { skip: [], experimental: [], isError: false };

/** Docker's grammar to the letter: names and option keys are case-sensitive, no blanks around `=`. Throws TBUILD_DOCKERFILE_SYNTAX. */
export function parseCheckOptions(value: string, span: SourceSpan): CheckOptions {
  return readOptions(value, (message, hint) => syntaxError(message, span, hint));
}

/** The same from the build argument, which stands for the whole directive. Throws TBUILD_USAGE. */
export function parseCheckArgument(value: string): CheckOptions {
  return readOptions(
    value,
    (message, hint) =>
      new TbuildError('TBUILD_USAGE', `failed to parse build-arg:${checkArgument}: ${message}`, { hint }),
  );
}

type Refuse = (message: string, hint?: string) => TbuildError;

function readOptions(value: string, refuse: Refuse): CheckOptions {
  const lists = { skip: new Set<string>(), experimental: new Set<string>() };
  let isError = false;
  for (const option of value.split(';').map((each) => each.trim())) {
    const equals = option.indexOf('=');
    const key = equals === -1 ? undefined : option.slice(0, equals);
    const text = option.slice(equals + 1);
    if (key === 'skip' || key === 'experimental') for (const name of text.split(',')) lists[key].add(name.trim());
    else if (key === 'error') isError = parseBoolean(text, refuse);
    else {
      throw refuse(
        `invalid check option "${option}"`,
        'Write skip=RULE,RULE, experimental=RULE,RULE or error=true, separated by semicolons.',
      );
    }
  }
  return { skip: [...lists.skip], experimental: [...lists.experimental], isError };
}

function parseBoolean(text: string, refuse: Refuse): boolean {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true;
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text)) return false;
  throw refuse(`failed to parse check option "error=${text}": not a boolean`);
}
