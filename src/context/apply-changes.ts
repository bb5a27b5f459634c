import type { ChangedFile } from '../native/helper-types.ts';
import type { SelectedEntry, SelectedItem, Selection } from './selection.ts';
import { digestSelection } from './describe.ts';

/**
 * The selection as it was really copied: files that somebody wrote to meanwhile with the digests that the helper saw, and the digest of the whole computed anew.
 * @param changed `path` relative to the context root
 */
export function applyChanges(selection: Selection, changed: readonly ChangedFile[]): Selection {
  const changes = new Map(changed.map((file) => [file.path, file]));
  const update = (entry: SelectedEntry): SelectedEntry => {
    const change = changes.get(entry.contextPath);
    if (change === undefined || entry.type !== 'file') return entry;
    return { ...entry, sha256: change.sha256, size: change.size };
  };
  const items = selection.items.map((item): SelectedItem => {
    const [first, ...others] = item.entries;
    return { ...item, entries: [update(first), ...others.map(update)] };
  });
  return digestSelection({ items, skipped: selection.skipped }, selection.modes);
}
