import { isDigest } from '../oci/digest.ts';
import type { Digest } from '../oci/digest.ts';
import type { LayerState } from '../store/types.ts';

/**
 * What a tree that no step made is for: `mounted` for a bind mount (everything is in one directory of the layer), `context` as a context that is no directory of this machine, `base` as the only layer of an image.
 */
export type TreeUse = 'mounted' | 'context' | 'base';

/** A layer that no step made, found by what its files are, or by what they come from. */
export interface TreeRecord extends LayerState {
  readonly use: TreeUse;
  /** Of a base. */
  readonly diffId?: Digest | undefined;
  /** Where the files are from, for people. */
  readonly origin: string;
  /** Milliseconds since the epoch. */
  readonly created: number;
}

export function asTreeRecord(value: unknown): TreeRecord | undefined {
  const { layer, state, use, diffId, origin, created } = (value ?? {}) as Partial<TreeRecord>;
  const isValid =
    typeof layer === 'string' &&
    typeof state === 'string' &&
    /^[0-9a-f]{64}$/.test(state) &&
    (use === 'mounted' || use === 'context' || use === 'base') &&
    (diffId === undefined || isDigest(diffId)) &&
    typeof origin === 'string' &&
    typeof created === 'number';
  return isValid ? (value as TreeRecord) : undefined;
}
