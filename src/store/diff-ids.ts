import type { Digest } from '../oci/digest.ts';
import { writeFileAtomic } from '../util/atomic-write.ts';
import type { StoreContext } from './context.ts';
import { readSealedJson, sealJson } from './guarded.ts';
import type { DiffIdInfo } from './types.ts';

/** What is known about a diffID; whether the layer is still there, `lease` says. */
export function findDiffId({ paths, checksum }: StoreContext, diffId: Digest): DiffIdInfo | undefined {
  return readSealedJson(paths.diffId(diffId), checksum) as DiffIdInfo | undefined;
}

export function putDiffId({ paths, checksum, session }: StoreContext, diffId: Digest, info: DiffIdInfo): void {
  writeFileAtomic(paths.diffId(diffId), session.newPath('diffid'), [sealJson(info, checksum)]);
}
