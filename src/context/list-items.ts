import { fileType } from './file-type.ts';
import type { MatchedRecords } from './selection.ts';
import { contextRoot } from './source-tree.ts';
import type { VisibleTree } from './visible-tree.ts';

/** What one source names, or one match of its wildcard, as far as a listing tells. */
export interface ListedItem {
  readonly isDirectory: boolean;
  readonly files: readonly ListedFile[];
}

export interface ListedFile {
  /** In the context. */
  readonly path: string;
  /** Relative to the item; '' for the item itself. */
  readonly below: string;
  readonly size: number;
}

/** The regular files among what was matched. */
export function listItems({ scan }: VisibleTree, matched: readonly MatchedRecords[]): readonly ListedItem[] {
  return matched.map(({ match, records }) => {
    const base = match.node === contextRoot ? '' : scan.path(match.node);
    const files = records
      .filter((record) => fileType(scan.mode(record)) === 'file')
      .map((record) => {
        const path = scan.path(record);
        return { path, below: base === '' ? path : path.slice(base.length + 1), size: Number(scan.size(record)) };
      });
    return { isDirectory: match.node === contextRoot || fileType(scan.mode(match.node)) === 'directory', files };
  });
}
