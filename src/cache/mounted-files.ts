import type { LayerId } from '../store/types.ts';

/** A layer that only a bind mount shows, found by the digest of its files. */
export interface MountedFiles {
  readonly layer: LayerId;
  /** Milliseconds since the epoch. */
  readonly created: number;
  /** Where the files are from, for people. */
  readonly mounted: string;
}

export function asMountedFiles(value: unknown): MountedFiles | undefined {
  const { layer, created, mounted } = (value ?? {}) as Partial<MountedFiles>;
  const valid = typeof layer === 'string' && typeof created === 'number' && typeof mounted === 'string';
  return valid ? (value as MountedFiles) : undefined;
}
