import { createHash } from 'node:crypto';
import { TbuildError } from '../../errors.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import { digestFromHex, digestHex } from '../../oci/digest.ts';
import type { Store } from '../../store/types.ts';
import type { ArchiveEntry } from '../../tar/archive-writer.ts';
import { readChunks } from '../read-chunks.ts';

/** A blob on its way into an archive. */
export interface ArchiveBlob {
  readonly descriptor: Descriptor;
  readonly content: Uint8Array | AsyncIterable<Uint8Array>;
}

/** One that the store has, verified while it is read (TBUILD_STORE_CORRUPT). */
export function storedBlob(store: Store, descriptor: Descriptor): ArchiveBlob {
  return { descriptor, content: readVerified(store, descriptor) };
}

/**
 * The entries of an OCI image layout, with more documents beside `index.json` where there are some. Sorted by name, times 0, each blob once: the same content always gives the same bytes.
 */
export function layoutEntries(
  blobs: readonly ArchiveBlob[],
  documents: Readonly<Record<string, Uint8Array>>,
): readonly ArchiveEntry[] {
  const unique = new Map(blobs.map((blob) => [blob.descriptor.digest, blob]));
  const sorted = [...unique.values()].toSorted((a, b) => (a.descriptor.digest < b.descriptor.digest ? -1 : 1));
  const directory = { type: 'directory', mode: 0o755, mtime: 0 } as const;
  const layout = Buffer.from('{"imageLayoutVersion":"1.0.0"}');
  return [
    { path: 'blobs', ...directory },
    { path: 'blobs/sha256', ...directory },
    ...sorted.map(({ descriptor: { digest, size }, content }): ArchiveEntry => {
      return { path: `blobs/sha256/${digestHex(digest)}`, type: 'file', mode: 0o444, mtime: 0, size, content };
    }),
    ...Object.entries({ ...documents, 'oci-layout': layout })
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([path, content]): ArchiveEntry => {
        const mode = path === 'oci-layout' ? 0o444 : 0o644;
        return { path, type: 'file', mode, mtime: 0, size: content.length, content };
      }),
  ];
}

/** For the total of a progress. */
export function fileSizes(entries: readonly ArchiveEntry[]): readonly number[] {
  return entries.map((entry) => (entry.type === 'file' ? entry.size : 0));
}

async function* readVerified(store: Store, { digest }: Descriptor): AsyncGenerator<Buffer, void, undefined> {
  const hash = createHash('sha256');
  for await (const chunk of readChunks(store.blobPath(digest))) {
    hash.update(chunk);
    yield chunk;
  }
  const actual = digestFromHex(hash.digest('hex'));
  if (actual === digest) return;
  throw new TbuildError('TBUILD_STORE_CORRUPT', `the blob ${digest} does not match its digest`, {
    hint: 'Remove the image, then pull or build it again.',
    details: { expected: digest, actual },
  });
}
