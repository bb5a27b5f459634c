/** Characters; far beyond what a process can be given in one string (128 KiB), and what keeps `$a$a` repeated from taking all memory. */
export const maxResultLength = 1_048_576;

/** Ends an expansion from any depth; whoever started it says what was being expanded and where. */
export class ExpansionProblem extends Error {}

export function resultTooLong(): ExpansionProblem {
  return new ExpansionProblem(`the result is longer than ${maxResultLength} characters`);
}
