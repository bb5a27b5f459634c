import type { Sha256 } from './addon.ts';
import { loadAddon } from './load.ts';

/** As `createHash('sha256')`: loading `node:crypto` would be a tenth of a cached build. What hashes whole files off the cached path may use either. */
export function createSha256(): Sha256 {
  return new (loadAddon().Sha256)();
}

/** SHA-256 of the parts, one behind the other: 64 lower-case hex digits. */
export function sha256Hex(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createSha256();
  for (const part of parts) hash.update(part);
  return hash.hex();
}
