import { applyChanges } from '../../context/apply-changes.ts';
import type { BuildContext } from '../../context/open-context.ts';
import type { SelectedEntry, SelectedItem, Selection } from '../../context/selection.ts';
import { describeSelection } from '../../context/describe.ts';
import type { SourceSpan } from '../../errors.ts';
import type { TransferSource } from '../steps/copy-step.ts';
import type { SourceEntry, SourceItem, SourceSet } from '../transfer/source.ts';

export interface ContextRequest {
  readonly origin: string;
  readonly sources: readonly string[];
  /** False when the step sets permission bits itself. */
  readonly modes: boolean;
  readonly span: SourceSpan;
}

/** Files of the build context. */
export function contextSource(context: BuildContext, { origin, sources, modes, span }: ContextRequest): TransferSource {
  const selections = new WeakMap<SourceSet, Selection>();
  const toSet = (selection: Selection): SourceSet => {
    const set: SourceSet = { digest: selection.digest, items: selection.items.map(toItem), roots: [context.root] };
    selections.set(set, selection);
    return set;
  };
  const selectionOf = (set: SourceSet): Selection => {
    const selection = selections.get(set);
    if (selection === undefined) throw new TypeError('not a set of this source');
    return selection;
  };
  return {
    origin,
    digest: async () => (await context.digest(sources, { modes, span })).digest,
    select: async () => toSet(await context.select(sources, { modes, span })),
    withChanges: (set, changed) => toSet(applyChanges(selectionOf(set), changed)),
    describe: (set) => describeSelection(selectionOf(set)),
  };
}

function toItem({ name, source, entries }: SelectedItem): SourceItem {
  return { name, source, entries: entries.map(toEntry) };
}

/** What comes from a build context belongs to root, whoever owns it here (as docker build). */
function toEntry(entry: SelectedEntry): SourceEntry {
  const { path, mode, mtime, xattrs } = entry;
  const common = { path, mode, uid: 0, gid: 0, mtime, xattrs };
  switch (entry.type) {
    case 'directory':
    case 'fifo':
      return { ...common, type: entry.type };
    case 'symlink':
      return { ...common, type: 'symlink', link: entry.link };
    case 'character':
    case 'block':
      return { ...common, type: entry.type, major: entry.major, minor: entry.minor };
    case 'file': {
      const { size, sha256, expect, verify, hardlink, contextPath } = entry;
      return {
        ...common,
        type: 'file',
        size,
        hardlink,
        content: { kind: 'copy', source: 0, path: contextPath, sha256, expect, verify },
      };
    }
  }
}
