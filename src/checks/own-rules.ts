import type { EvidenceRule } from './rule.ts';
import { baseWithoutDigest } from './rules/base-without-digest.ts';
import { copyBeforeInstall } from './rules/copy-before-install.ts';
import { deletedInLaterLayer } from './rules/deleted-in-later-layer.ts';
import { packageCacheInLayer } from './rules/package-cache-in-layer.ts';
import { secretInCopiedFile } from './rules/secret-in-copied-file.ts';

/** Those that docker does not have. What several find on one line is told in this order, behind docker's. */
export const ownRules: readonly EvidenceRule[] = [
  copyBeforeInstall,
  packageCacheInLayer,
  deletedInLaterLayer,
  secretInCopiedFile,
  baseWithoutDigest,
];
