import type { ChangedFile } from '../native/helper-types.ts';
import type { SelectedEntry, SelectedItem, Selection } from './selection.ts';
import { digestSelection } from './describe.ts';

/**
 * The selection as it was really copied: files that somebody wrote to meanwhile with the digests that the helper saw, and the digest of the whole computed anew.
 * A change of a file that is not in the selection is a `TypeError`: dropping it would keep a wrong digest.
 * @param changed `path` relative to the context root, as `contextPath` (not the path in the diff)
 */
export function applyChanges(selection: Selection, changed: readonly ChangedFile[]): Selection {
  const changes = new Map(changed.map((file) => [file.path, file]));
  const applied = new Set<string>();
  const update = (entry: SelectedEntry): SelectedEntry => {
    const change = changes.get(entry.contextPath);
    if (change === undefined || entry.type !== 'file') return entry;
    applied.add(change.path);
    return { ...entry, sha256: change.sha256, size: change.size };
  };
  const items = selection.items.map((item): SelectedItem => {
    const [first, ...others] = item.entries;
    return { ...item, entries: [update(first), ...others.map(update)] };
  });
  const lost = changed.find(({ path }) => !applied.has(path));
  if (lost !== undefined) throw new TypeError(`${lost.path} is not a file of the selection`);
  return digestSelection({ items, skipped: selection.skipped }, selection);
}
