import type { Evidence } from '../../../checks/evidence.ts';
import type { BuildAccess } from '../../access.ts';
import { listCopied } from './copied.ts';
import type { EvidenceSearch } from './evidence-search.ts';
import { readPast } from './past.ts';
import { findSecrets } from './secrets.ts';

/** Looks for what rules over evidence want to know. What cannot be found is missing, and fails nothing: a build would say what is wrong. */
export async function gatherEvidence(
  access: BuildAccess & { readonly isStrict: boolean },
  search: EvidenceSearch,
  digests: Evidence['digests'],
): Promise<Evidence> {
  const copied = await listCopied(access, search);
  const secrets = await findSecrets(access, search, copied);
  const { past, deletions } = await readPast(access, search);
  return { isStrict: access.isStrict, digests, copied, secrets, past, deletions };
}
