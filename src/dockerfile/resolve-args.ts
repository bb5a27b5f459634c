import { expandWord } from './expand.ts';
import type { VariableReferences } from './expand.ts';
import type { ArgInstruction } from './instruction.ts';

export interface ArgScope {
  /** The variables before the instruction. */
  readonly env: ReadonlyMap<string, string>;
  /** `--build-arg`; taken as they are, without expansion. */
  readonly buildArgs: ReadonlyMap<string, string>;
  /** What an ARG without a value inherits: in a stage the values of before the first FROM, and there the platform's. */
  readonly outer: ReadonlyMap<string, string>;
  readonly escape: string;
  readonly references?: VariableReferences | undefined;
}

/**
 * ARG with the values that it comes to: `--build-arg`, else the default (which is not even expanded otherwise), else the outer value, else none.
 * Unlike ENV, each argument sees the ones before it. Throws TBUILD_EXPANSION.
 */
export function resolveArgs(instruction: ArgInstruction, scope: ArgScope): ArgInstruction {
  const { buildArgs, outer, escape, references } = scope;
  const env = new Map(scope.env);
  const args = instruction.args.map(({ name, value: fallback }) => {
    const value =
      buildArgs.get(name) ??
      (fallback === undefined
        ? outer.get(name)
        : expandWord(fallback, env, escape, { references, span: instruction.span }));
    if (value !== undefined) env.set(name, value);
    return { name, value };
  });
  return { ...instruction, args };
}
