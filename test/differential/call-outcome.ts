/** What became of a case of fixtures/calls. */
export interface CallOutcome {
  readonly outline: CallResult;
  readonly targets: CallResult;
}

export type CallResult =
  | { readonly refused: string }
  /** Lines of what is printed, and what `format=json` prints. */
  | { readonly text: readonly string[]; readonly json: Readonly<Record<string, unknown>> };

/** Docker goes through the arguments of one line in any order, and prints an empty line for warnings that it has elsewhere. */
export function comparable(result: CallResult): unknown {
  if ('refused' in result) return result;
  const { args, ...rest } = result.json as { args?: readonly { readonly name: string }[] };
  return {
    text: result.text.filter((line) => line !== '').toSorted(),
    json: {
      ...rest,
      ...(args === undefined
        ? {}
        : { args: args.toSorted((left, right) => lineOf(left) - lineOf(right) || (left.name < right.name ? -1 : 1)) }),
    },
  };
}

function lineOf(argument: object): number {
  const { location } = argument as { readonly location?: { readonly ranges: readonly { start: { line: number } }[] } };
  return location?.ranges[0]?.start.line ?? 0;
}
