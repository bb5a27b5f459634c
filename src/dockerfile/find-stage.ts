import { TbuildError } from '../errors.ts';
import type { SourceSpan } from '../errors.ts';
import type { Stage } from './instruction.ts';
import { suggest } from './suggest.ts';

export type StageSource =
  | { readonly kind: 'scratch' }
  | { readonly kind: 'stage'; readonly index: number }
  /** A named context or an image. */
  | { readonly kind: 'image'; readonly name: string };

/** Which index a stage name means; of several stages with one name it is the last. */
export interface StageNames {
  readonly byName: ReadonlyMap<string, number>;
  readonly count: number;
  /** Whether a named context stands for the stage of a name. */
  readonly isReplaced: (name: string) => boolean;
}

export function indexStages(stages: readonly Stage[], isReplaced: StageNames['isReplaced'] = () => false): StageNames {
  const byName = new Map(stages.flatMap(({ name, index }) => (name === undefined ? [] : [[name, index] as const])));
  return { byName, count: stages.length, isReplaced };
}

/**
 * What the (expanded) name after FROM means: a stage, else `scratch`, else something outside. Numbers are no stages here, and neither are names with capitals, as in docker.
 *
 * @param earlier the stages above by name
 */
export function findBase(earlier: ReadonlyMap<string, number>, name: string): StageSource {
  const index = earlier.get(name);
  return index === undefined ? outside(name) : { kind: 'stage', index };
}

/**
 * What the name or number after `--from=` means. All stages of the file count, even one that comes too late to be copied from, as in docker.
 * Throws TBUILD_STAGE_NOT_FOUND for a number without a stage.
 */
export function findCopySource(names: StageNames, name: string, span: SourceSpan): StageSource {
  const { byName, count, isReplaced } = names;
  if (!/^[+-]?\d+$/.test(name)) {
    const index = byName.get(name.toLowerCase());
    const source: StageSource = index === undefined ? outside(name) : { kind: 'stage', index };
    // What stands for a stage may be copied from everywhere, also further up.
    return source.kind === 'stage' && isReplaced(name.toLowerCase()) ? outside(name.toLowerCase()) : source;
  }
  const index = Number(name);
  if (index >= 0 && index < count) return { kind: 'stage', index };
  throw new TbuildError('TBUILD_STAGE_NOT_FOUND', `invalid stage index ${name}`, {
    span,
    hint: `Stages count from 0; this Dockerfile has ${count}.`,
  });
}

/** The stage of `--target`, by name in any case or by number; the last one by default. Throws TBUILD_STAGE_NOT_FOUND with a suggestion. */
export function findTarget(stages: readonly Stage[], target: string | undefined): number {
  if (target === undefined || target === '') return stages.length - 1;
  const found = indexStages(stages).byName.get(target.toLowerCase());
  if (found !== undefined) return found;
  // Docker knows no numbers here. No name starts with a digit, so that nothing is ambiguous.
  if (/^\d+$/.test(target) && stages[Number(target)] !== undefined) return Number(target);
  const names = stages.flatMap(({ name }) => name ?? []);
  const near = suggest(target, names);
  throw new TbuildError('TBUILD_STAGE_NOT_FOUND', `target stage "${target}" could not be found`, {
    span: (stages.find(({ name }) => name === near) ?? stages.at(-1))?.span,
    hint:
      near === undefined
        ? `The stages are ${names.length === 0 ? `0 to ${stages.length - 1}` : names.join(', ')}.`
        : `Did you mean ${near}?`,
    details: { target, stages: names },
  });
}

function outside(name: string): StageSource {
  return name === 'scratch' ? { kind: 'scratch' } : { kind: 'image', name };
}
