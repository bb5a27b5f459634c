import { brotliCompress, brotliDecompressSync, constants } from 'node:zlib';
import { promisify } from 'node:util';
import { compareDescriptions } from '../context/describe.ts';
import type { SelectionChanges } from '../context/describe.ts';
import type { Store } from '../store/types.ts';

const compress = promisify(brotliCompress);

/** Where the description of files is found. */
function keptName(digest: string): string {
  return `files-${digest.slice(0, 32)}`;
}

/** Keeps a description of files under their digest, for a later build to compare with. */
export async function keepFiles(store: Store, digest: string, description: string): Promise<void> {
  const packed = await compress(shorten(description), { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } });
  await store.writeValue('builds', keptName(digest), packed.toString('base64'));
}

/** Which files differ from those that were kept under a digest; undefined when there are none (any more). */
export async function changesSince(
  store: Store,
  digest: string | undefined,
  description: () => Promise<string>,
): Promise<SelectionChanges | undefined> {
  if (digest === undefined) return undefined;
  const packed = await store.readValue('builds', keptName(digest));
  if (typeof packed !== 'string') return undefined;
  const before = brotliDecompressSync(Buffer.from(packed, 'base64')).toString();
  return compareDescriptions(before, shorten(await description()));
}

/** Most of a description is digests, which do not compress; 16 digits tell two contents of one file apart. */
function shorten(description: string): string {
  return description.replaceAll(/( sha256=[0-9a-f]{16})[0-9a-f]{48}/g, '$1');
}
