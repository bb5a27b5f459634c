import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import type { Store } from '../store/types.ts';

/** Where the description of files is found. */
function keptName(digest: string): string {
  return `files-${digest.slice(0, 32)}`;
}

/** Keeps a description of files under their digest, for a later build to compare with. */
export async function keepFiles(store: Store, digest: string, description: string): Promise<void> {
  const packed = brotliCompressSync(description, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } });
  await store.writeValue('builds', keptName(digest), packed.toString('base64'));
}

/** The description kept under a digest; undefined when there is none (any more). */
export async function readKeptFiles(store: Store, digest: string | undefined): Promise<string | undefined> {
  if (digest === undefined) return undefined;
  const packed = await store.readValue('builds', keptName(digest));
  return typeof packed === 'string' ? brotliDecompressSync(Buffer.from(packed, 'base64')).toString() : undefined;
}
