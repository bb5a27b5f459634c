import { contextSources } from '../../../checks/context-sources.ts';
import type { CopiedFile } from '../../../checks/evidence.ts';
import type { LookedStep } from '../../../checks/looked.ts';
import type { BuildContext } from '../../../context/open-context.ts';
import { isTbuildError } from '../../../errors.ts';
import type { BuildAccess } from '../../access.ts';
import { openedContexts } from '../../contexts/opened-contexts.ts';
import type { EvidenceSearch } from './evidence-search.ts';

/** Lists what COPY and ADD would take from a directory that is the build context. No file is read. */
export async function listCopied(
  access: BuildAccess,
  { source, looked }: EvidenceSearch,
): Promise<ReadonlyMap<LookedStep, readonly CopiedFile[]>> {
  const steps = looked.flatMap((stage) => stage.steps).filter(({ expanded }) => contextSources(expanded).length > 0);
  const found = new Map<LookedStep, readonly CopiedFile[]>();
  if (steps.length === 0 || source.context.kind !== 'directory') return found;
  const context = await missing(() => openedContexts(access, source.context).main());
  if (context?.kind !== 'directory') return found;
  for (const step of steps) {
    access.signal.throwIfAborted();
    const files = await missing(() => listStep(context.files, step));
    if (files !== undefined) found.set(step, files);
  }
  return found;
}

function listStep(context: BuildContext, { expanded }: LookedStep): readonly CopiedFile[] {
  if (expanded.kind !== 'copy' && expanded.kind !== 'add') return [];
  const parents = expanded.kind === 'copy' && expanded.parents;
  const items = context.list(contextSources(expanded), { exclude: expanded.exclude, parents });
  return items.flatMap(({ isDirectory, files }) =>
    files.map(({ path, below, size }) => ({
      path,
      place: isDirectory ? below : undefined,
      cameAlong: isDirectory && !parents,
      size,
    })),
  );
}

/** What a build would fail for. */
async function missing<T>(body: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await body();
  } catch (error) {
    if (isTbuildError(error)) return undefined;
    throw error;
  }
}
