import { contextSources } from '../../../checks/context-sources.ts';
import type { CopiedFile } from '../../../checks/evidence.ts';
import type { LookedStage, LookedStep } from '../../../checks/looked.ts';
import { isTbuildError } from '../../../errors.ts';
import type { ListedContext } from './listed-context.ts';

/** Lists what COPY and ADD would take from the build context. No file is read. */
export function listCopied(
  context: ListedContext,
  looked: readonly LookedStage[],
  signal: AbortSignal,
): ReadonlyMap<LookedStep, readonly CopiedFile[]> {
  const found = new Map<LookedStep, readonly CopiedFile[]>();
  for (const step of looked.flatMap(({ steps }) => steps)) {
    signal.throwIfAborted();
    const files = listStep(context, step);
    if (files !== undefined) found.set(step, files);
  }
  return found;
}

/** Undefined: it takes nothing, or a build would fail. */
function listStep(context: ListedContext, { expanded }: LookedStep): readonly CopiedFile[] | undefined {
  const sources = contextSources(expanded);
  if (sources.length === 0 || (expanded.kind !== 'copy' && expanded.kind !== 'add')) return undefined;
  try {
    return context.list(expanded, sources);
  } catch (error) {
    if (isTbuildError(error)) return undefined;
    throw error;
  }
}
