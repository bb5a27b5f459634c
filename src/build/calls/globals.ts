import { expandWord } from '../../dockerfile/expand.ts';
import type { VariableReferences } from '../../dockerfile/expand.ts';
import type { Dockerfile, Stage } from '../../dockerfile/instruction.ts';
import { resolveArgs } from '../../dockerfile/resolve-args.ts';
import { predefinedValues } from '../../dockerfile/stages.ts';
import type { ResolvedOptions } from '../options.ts';
import type { OutlineArgument } from './answers.ts';
import { toArgument } from './argument.ts';
import type { Describe } from './descriptions.ts';

/** The ARGs before the first FROM. */
export interface Globals {
  /** Undefined also where it is declared and has no value. */
  find(name: string): OutlineArgument | undefined;
  /** Those that FROM refers to, and what these in turn were made of. */
  usedBy(stage: Stage): ReadonlyMap<string, OutlineArgument>;
}

interface Declared {
  readonly argument: OutlineArgument;
  readonly hasValue: boolean;
  /** Variables in its default. */
  readonly uses: ReadonlySet<string>;
}

/** @param targetStage the name of the stage to build */
export function resolveGlobals(
  { globalArgs, escape }: Dockerfile,
  { options, targetStage }: { readonly options: ResolvedOptions; readonly targetStage: string | undefined },
  describe: Describe,
): Globals {
  const buildArgs = new Map(Object.entries(options.buildArgs));
  const outer = predefinedValues({ buildArgs, platform: options.platform }, targetStage);
  const values = new Map(outer);
  const declared = new Map<string, Declared>();
  for (const instruction of globalArgs) {
    for (const each of instruction.args) {
      const references = emptyReferences();
      const [resolved] = resolveArgs(
        { ...instruction, args: [each] },
        { env: values, buildArgs, outer, escape, references },
      ).args;
      const value = resolved?.value;
      if (value !== undefined) values.set(each.name, value);
      declared.set(each.name, {
        argument: toArgument({ name: each.name, value, span: instruction.span }, describe),
        hasValue: value !== undefined,
        uses: references.used,
      });
    }
  }
  return {
    find(name) {
      const found = declared.get(name);
      return found?.hasValue === true ? found.argument : undefined;
    },
    usedBy({ image, platform = '', span }) {
      const references = emptyReferences();
      for (const text of [image, platform]) expandWord(text, values, escape, { references, span });
      const used = new Map<string, OutlineArgument>();
      const waiting = [...references.used];
      for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
        const found = declared.get(name);
        if (found === undefined || used.has(name)) continue;
        used.set(name, found.argument);
        waiting.push(...found.uses);
      }
      return used;
    },
  };
}

function emptyReferences(): VariableReferences {
  return { used: new Set(), unset: new Set() };
}
