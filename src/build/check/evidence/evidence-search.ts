import type { LookedStage } from '../../../checks/looked.ts';
import type { ResolvedStages } from '../../../dockerfile/stages.ts';
import type { BuildSource } from '../../input.ts';

/** Where evidence is looked for. */
export interface EvidenceSearch {
  readonly source: BuildSource;
  readonly resolved: ResolvedStages;
  readonly looked: readonly LookedStage[];
}
