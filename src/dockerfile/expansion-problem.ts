/** Characters; far beyond what a process can be given in one string (128 KiB), and what keeps `$a$a` repeated from taking all memory. */
export const maxResultLength = 1_048_576;

/** Ends an expansion from any depth; whoever started it says what was being expanded and where. */
export class ExpansionProblem extends Error {
  /** What to do next. */
  readonly hint: string | undefined;

  constructor(message: string, options: ErrorOptions & { readonly hint?: string } = {}) {
    super(message, options);
    this.hint = options.hint;
  }
}

export function unclosed(what: 'single-quote' | 'double-quote'): ExpansionProblem {
  const hint = 'Close the quote, or put the escape character before it.';
  return new ExpansionProblem(`unexpected end of statement while looking for matching ${what}`, { hint });
}

export function unsupportedModifier(modifier: string): ExpansionProblem {
  const hint = 'The modifiers are :- - :+ + :? ? # ## % %% / and //.';
  return new ExpansionProblem(`unsupported modifier (${modifier}) in substitution`, { hint });
}

export function resultTooLong(): ExpansionProblem {
  return new ExpansionProblem(`the result is longer than ${maxResultLength} characters`);
}
