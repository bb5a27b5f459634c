import { join } from 'node:path';
import { sha256Hex } from '../native/sha256.ts';
import type { Digest } from '../oci/digest.ts';
import { isDigest } from '../oci/digest.ts';
import type { LayerId } from './types.ts';

/** Directories that a store is made with. */
export const storeDirectories = [
  'blobs/sha256',
  'blobs/partial',
  'layers',
  'diffids',
  'records',
  'images/sha256',
  'images/names',
  'contexts',
  'dockerfiles',
  'builds',
  'programs',
  'mounts',
  'leases',
  'uses',
  'tmp',
] as const;

/** gc.lock: shared while something is acquired, exclusive while prune decides. records.lock: while records are rewritten. */
export const lockFiles = ['gc.lock', 'records.lock'] as const;

/** Where things are in a store. Identifiers are checked here, before they become part of a path. */
export interface StorePaths {
  readonly root: string;
  inside(...parts: readonly string[]): string;
  layer(id: LayerId): string;
  layerInfo(id: LayerId): string;
  blob(digest: Digest): string;
  partialBlob(digest: Digest): string;
  diffId(digest: Digest): string;
  records(key: string): string;
  cacheMount(key: string): string;
  image(id: Digest): string;
  imageName(name: string): string;
  value(kind: 'dockerfiles' | 'builds' | 'programs' | 'contexts', name: string): string;
}

export function storePaths(root: string): StorePaths {
  const inside = (...parts: readonly string[]): string => join(root, ...parts);
  return {
    root,
    inside,
    layer: (id) => inside('layers', checkHex(id, 'layer id')),
    layerInfo: (id) => inside('layers', checkHex(id, 'layer id'), 'layer.json'),
    blob: (digest) => inside('blobs/sha256', checkDigest(digest)),
    partialBlob: (digest) => inside('blobs/partial', checkDigest(digest)),
    diffId: (digest) => inside('diffids', checkDigest(digest)),
    records: (key) => inside('records', checkHex(key, 'cache key').slice(0, 2), key),
    cacheMount: (key) => inside('mounts', checkHex(key, 'cache mount')),
    image: (id) => inside('images/sha256', checkDigest(id)),
    imageName: (name) => inside('images/names', encodeName(name)),
    value: (kind, name) => inside(kind, encodeName(name)),
  };
}

export function isHexId(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

/** Any text as one file name: letters, digits, `_`, `-` and inner dots stay, other bytes become `%XX`; what would be too long ends with its sha256. */
export function encodeName(name: string): string {
  if (name === '') throw new TypeError('a name in the store cannot be empty');
  const encoded = [...Buffer.from(name, 'utf8')].map(encodeByte).join('').replace(/^\./, '%2E');
  if (encoded.length <= 200) return encoded;
  return `${encoded.slice(0, 120)}%${sha256Hex(name)}`;
}

function encodeByte(byte: number): string {
  const character = String.fromCharCode(byte);
  return /[A-Za-z0-9._-]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
}

function checkHex(text: string, what: string): string {
  if (!isHexId(text)) throw new TypeError(`not a ${what}: ${JSON.stringify(text)}`);
  return text;
}

function checkDigest(digest: Digest): string {
  if (!isDigest(digest)) throw new TypeError(`not a digest: ${JSON.stringify(digest)}`);
  return digest.slice('sha256:'.length);
}
