import type { LookedStep } from './looked.ts';
import type { EvidenceInput } from './rule.ts';

/** The steps whose layers are in the image: those of the stages that the target stands on, then its own. */
export function targetChain({ looked, target }: Pick<EvidenceInput, 'looked' | 'target'>): readonly LookedStep[] {
  const byIndex = new Map(looked.map((stage) => [stage.stage.index, stage]));
  const chain: LookedStep[][] = [];
  for (let index: number | undefined = target; index !== undefined;) {
    const stage = byIndex.get(index);
    chain.unshift([...(stage?.steps ?? [])]);
    index = stage?.base.kind === 'stage' ? stage.base.index : undefined;
  }
  return chain.flat();
}
