import { factReader } from '../../../../src/cache/facts.ts';
import type { FactReader } from '../../../../src/cache/facts.ts';
import type { SourceEntry, SourceItem } from '../../../../src/build/transfer/source.ts';
import { listingEntries } from '../../../helpers/temp-store.ts';
import type { LayerSpec } from '../../../helpers/temp-store.ts';

export const directory = { type: 'directory' } as const;
export const link = (target: string): { type: 'symlink'; link: string } => ({ type: 'symlink', link: target });

/** A reader of a state that is one listing. */
export function readerOf(spec: LayerSpec): FactReader {
  const entries = new Map(listingEntries(spec).map((entry) => [entry.path, entry]));
  return factReader({ find: (path) => entries.get(path) });
}

const attributes = { mode: 0o644, uid: 5, gid: 6, mtime: 1000, xattrs: {} };

export function file(path: string, more: object = {}): SourceEntry {
  return {
    ...attributes,
    path,
    type: 'file',
    size: 1,
    content: { kind: 'copy', source: 0, path: `from/${path}`, sha256: 'f'.repeat(64) },
    hardlink: undefined,
    ...more,
  };
}

export function folder(path: string, more: object = {}): SourceEntry {
  return { ...attributes, path, type: 'directory', passed: false, mode: 0o750, ...more };
}

export function item(name: string, ...entries: SourceEntry[]): SourceItem {
  return { name, source: name, entries };
}
