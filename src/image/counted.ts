import type { Digest } from '../oci/digest.ts';

/** How an export comes along, in bytes. `what` is the diffID of a layer that is compressed, else what is written; `total` is undefined where it is not known. */
export type OnExport = (what: Digest | 'archive' | 'files', current: number, total: number | undefined) => void;

/** Passes a stream on, and tells after each chunk how many bytes there have been. */
export async function* counted<Chunk extends Uint8Array>(
  chunks: AsyncIterable<Chunk>,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Chunk, void, undefined> {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.byteLength;
    onBytes(bytes);
    yield chunk;
  }
}

/** The same for a tar of files of these sizes. The total that is told leaves out what long names add. */
export function countedArchive<Chunk extends Uint8Array>(
  tar: AsyncIterable<Chunk>,
  sizes: readonly number[],
  onExport: OnExport | undefined,
): AsyncIterable<Chunk> {
  const total = sizes.reduce((sum, size) => sum + block + block * Math.ceil(size / block), 2 * block);
  return counted(tar, (bytes) => onExport?.('archive', bytes, Math.max(bytes, total)));
}

const block = 512;
