import { readIgnoreFile } from '../../context/ignore-file.ts';
import { compileIgnoreRules } from '../../context/ignore-rules.ts';
import type { IgnoreRules } from '../../context/ignore-rules.ts';
import type { ContextPlace } from '../contexts/opened-contexts.ts';

/** What of the build context is left out, without listing it; undefined: nothing is. Throws TBUILD_CONTEXT. */
export async function readIgnoreRules(place: ContextPlace): Promise<IgnoreRules | undefined> {
  return place.kind === 'directory'
    ? compileIgnoreRules(await readIgnoreFile(place.root, place.dockerfile))
    : undefined;
}
