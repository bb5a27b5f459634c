import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TbuildError } from '../errors.ts';
import { errnoOf, ioError } from '../util/io-error.ts';
import { encodePathBytes } from '../util/path-bytes.ts';
import type { Checksum } from '../util/checksum.ts';
import { unsealListing } from './listing-file.ts';
import type { ListingText } from './listing-file.ts';
import { compareLinePath, linePath, parseListingLine } from './listing-line.ts';
import type { LayerId, Listing, ListingEntry } from './types.ts';

// Verifying a listing means reading it whole, so it is kept whole, up to this much together; what falls out is read again when it is asked for.
const cacheLimit = 48 * 1024 * 1024;

const slash = 0x2f;

/** Opens listings, each verified when first read in this process. */
export function openListings(directoryOf: (id: LayerId) => string, checksum: Checksum): (id: LayerId) => Listing {
  const handles = new Map<LayerId, Listing>();
  const texts = new Map<LayerId, ListingText>();
  const text = (id: LayerId): ListingText => {
    const cached = texts.get(id);
    const found = cached ?? readListing(join(directoryOf(id), 'listing'), checksum);
    // A map keeps the order of insertion: the first is the one used longest ago.
    texts.delete(id);
    texts.set(id, found);
    if (cached === undefined) evict(texts);
    return found;
  };
  return (id) => {
    let handle = handles.get(id);
    if (handle === undefined) {
      text(id);
      handles.set(id, (handle = listingOf(id, () => text(id))));
    }
    return handle;
  };
}

function evict(texts: Map<LayerId, ListingText>): void {
  let total = 0;
  for (const { size } of texts.values()) total += size;
  for (const [id, { size }] of texts) {
    if (total <= cacheLimit || texts.size === 1) return;
    texts.delete(id);
    total -= size;
  }
}

function readListing(path: string, checksum: Checksum): ListingText {
  let file: Buffer;
  try {
    file = readFileSync(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw ioError(error, 'read the listing', path);
    throw corrupt(path, 'is missing', error);
  }
  const listing = unsealListing(file, checksum);
  if (listing === undefined) throw corrupt(path, 'does not match its checksum');
  return listing;
}

function corrupt(path: string, what: string, cause?: unknown): TbuildError {
  return new TbuildError('TBUILD_STORE_CORRUPT', `the listing ${path} ${what}`, {
    cause,
    hint: 'build again with --no-cache, or pull the image again: that repairs it',
    details: { path },
  });
}

/** @param load the listing's text, kept or read again */
export function listingOf(id: LayerId, load: () => ListingText): Listing {
  return {
    id,
    find(path) {
      const listing = load();
      const wanted = encodePathBytes(path);
      const line = lowerBound(listing, wanted);
      const isFound = line < listing.count && compareLinePath(listing.text, listing.start(line), wanted) === 0;
      return isFound ? entryAt(listing, line) : undefined;
    },
    children: (path) => [...children(load(), path)],
    touches(path) {
      const listing = load();
      const wanted = encodePathBytes(path);
      const line = lowerBound(listing, wanted);
      if (line < listing.count && compareLinePath(listing.text, listing.start(line), wanted) === 0) return true;
      const prefix = directoryPrefix(path);
      const below = lowerBound(listing, prefix);
      return below < listing.count && startsWith(linePath(listing.text, listing.start(below)), prefix);
    },
    *entries() {
      const listing = load();
      for (let line = 0; line < listing.count; line += 1) yield entryAt(listing, line);
    },
  };
}

function* children(listing: ListingText, path: string): Generator<ListingEntry> {
  const prefix = directoryPrefix(path);
  for (let line = lowerBound(listing, prefix); line < listing.count;) {
    const found = linePath(listing.text, listing.start(line));
    if (!startsWith(found, prefix)) return;
    const nested = found.indexOf(slash, prefix.length);
    if (nested === -1) {
      if (found.length > 0) yield entryAt(listing, line);
      line += 1;
    } else {
      // On to the first line behind everything below this child: `0` is the byte after `/`.
      line = lowerBound(listing, Buffer.concat([found.subarray(0, nested), Buffer.of(slash + 1)]), line);
    }
  }
}

function directoryPrefix(path: string): Buffer {
  return path === '' ? Buffer.alloc(0) : encodePathBytes(`${path}/`);
}

function startsWith(path: Buffer, prefix: Buffer): boolean {
  return path.length >= prefix.length && path.compare(prefix, 0, prefix.length, 0, prefix.length) === 0;
}

/** The first line whose path is not below `path` in the order of bytes. */
function lowerBound(listing: ListingText, path: Buffer, from: number = 0): number {
  let low = from;
  let high = listing.count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareLinePath(listing.text, listing.start(middle), path) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function entryAt(listing: ListingText, line: number): ListingEntry {
  const text = listing.text.toString('latin1', listing.start(line), listing.start(line + 1) - 1);
  const entry = parseListingLine(text);
  if (entry === undefined) {
    throw new TbuildError(
      'TBUILD_STORE_CORRUPT',
      `a listing has a malformed line: ${JSON.stringify(text.slice(0, 200))}`,
    );
  }
  return entry;
}
