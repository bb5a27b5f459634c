import { contextSources } from '../../../checks/context-sources.ts';
import type { Evidence } from '../../../checks/evidence.ts';
import { isTbuildError } from '../../../errors.ts';
import type { BuildAccess } from '../../access.ts';
import { listCopied } from './copied.ts';
import type { EvidenceSearch } from './evidence-search.ts';
import { openListedContext } from './listed-context.ts';
import type { ListedContext } from './listed-context.ts';
import { readPast } from './past.ts';
import { readSecrets, secretsByStep } from './secrets.ts';

/** Looks for what rules over evidence want to know. What cannot be found is missing, and fails nothing: a build would say what is wrong. */
export async function gatherEvidence(
  access: BuildAccess & { readonly isStrict: boolean },
  search: EvidenceSearch,
  digests: Evidence['digests'],
): Promise<Evidence> {
  const { signal, isStrict } = access;
  const { looked } = search;
  const context = await openContext(access, search);
  const copied = context === undefined ? new Map() : listCopied(context, looked, signal);
  const read = context === undefined ? new Map() : await readSecrets(context, copied.values(), signal);
  const { past, deletions } = await readPast(access, search);
  return { isStrict, digests, copied, secrets: secretsByStep(looked, copied, read), past, deletions };
}

/** Undefined: no step reads it, or it cannot be read. */
async function openContext(
  access: BuildAccess,
  { source, looked }: EvidenceSearch,
): Promise<ListedContext | undefined> {
  const isRead = looked.some(({ steps }) => steps.some(({ expanded }) => contextSources(expanded).length > 0));
  if (!isRead) return undefined;
  try {
    return await openListedContext(access, source.context);
  } catch (error) {
    if (isTbuildError(error)) return undefined;
    throw error;
  }
}
