import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import type { FileChanges } from '../cache/cause.ts';
import type { StepInputs } from '../cache/inputs.ts';
import { compareDescriptions } from '../context/describe.ts';
import type { Store } from '../store/types.ts';

/** Where the description of files is found. */
export function keptName(digest: string): string {
  return `files-${digest.slice(0, 32)}`;
}

/** Keeps a description of files under their digest, for a later build to compare with. */
export async function keepFiles(store: Store, digest: string, description: string): Promise<void> {
  const packed = brotliCompressSync(description, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } });
  await store.writeValue('builds', keptName(digest), packed.toString('base64'));
}

export async function compareKeptFiles(store: Store, before: StepInputs['files'], after: StepInputs['files']): Promise<FileChanges | undefined> {
  const [old, current] = await Promise.all([readKept(store, before), readKept(store, after)]);
  return old === undefined || current === undefined ? undefined : compareDescriptions(old, current);
}

async function readKept(store: Store, files: StepInputs['files']): Promise<string | undefined> {
  if (files === undefined) return undefined;
  const packed = await store.readValue('builds', keptName(files.digest));
  return typeof packed === 'string' ? brotliDecompressSync(Buffer.from(packed, 'base64')).toString() : undefined;
}
