import { applyChanges } from '../../context/apply-changes.ts';
import type { BuildContext, SelectOptions } from '../../context/open-context.ts';
import type { SelectedEntry, SelectedItem, Selection } from '../../context/selection.ts';
import { describeSelection } from '../../context/describe.ts';
import { contextChanged } from '../../context/context-changed.ts';
import { isTbuildError } from '../../errors.ts';
import type { TransferSource } from '../steps/copy-step.ts';
import type { SourceEntry, SourceItem, SourceSet } from '../transfer/source.ts';
import type { SourceRequest } from './source-request.ts';

/** Files of the build context. */
export function contextSource(context: BuildContext, request: SourceRequest): TransferSource {
  const { origin, sources, chmod, exclude, parents, as, span, warn } = request;
  const options: SelectOptions = { chmod, exclude, parents, as, span };
  const selections = new WeakMap<SourceSet, Selection>();
  const sets = new WeakMap<Selection, SourceSet>();
  const toSet = (selection: Selection): SourceSet => {
    const known = sets.get(selection);
    if (known !== undefined) return known;
    const set: SourceSet = { digest: selection.digest, items: selection.items.map(toItem), roots: [context.root] };
    selections.set(set, selection);
    sets.set(selection, set);
    return set;
  };
  const selectionOf = (set: SourceSet): Selection => {
    const selection = selections.get(set);
    if (selection === undefined) throw new TypeError('not a set of this source');
    return selection;
  };
  return {
    origin,
    async digest() {
      const { digest } = await context.digest(sources, options);
      if (warn !== undefined) for (const message of await context.hidden(sources, options)) warn(message);
      return digest;
    },
    select: async () => toSet(await context.select(sources, options)),
    withChanges: (set, changed) => toSet(applyChanges(selectionOf(set), changed)),
    describe: (set) => describeSelection(selectionOf(set)),
    explain: explainOpening,
  };
}

/** What the helper says of a file that is gone, or something else than it was when the context was listed. */
const changedErrnos: ReadonlySet<unknown> = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'EINVAL', 'ELOOP', 'ENXIO']);

function explainOpening(error: unknown): unknown {
  if (!isTbuildError(error, 'TBUILD_IO')) return error;
  const { operation, errno, path } = error.details;
  if (operation !== 'open source' || typeof path !== 'string' || !changedErrnos.has(errno)) return error;
  return contextChanged(path, { cause: error });
}

function toItem({ name, source, entries }: SelectedItem): SourceItem {
  return { name, source, entries: entries.map(toEntry) };
}

/** What comes from a build context belongs to root, whoever owns it here (as docker build). One literal per entry, no spreading: there may be a hundred thousand of them. */
function toEntry(entry: SelectedEntry): SourceEntry {
  const { type, path, mode, mtime, xattrs } = entry;
  switch (type) {
    case 'directory':
      return { type, path, mode, uid: 0, gid: 0, mtime, xattrs, passed: entry.passed };
    case 'fifo':
      return { type, path, mode, uid: 0, gid: 0, mtime, xattrs };
    case 'symlink':
      return { type, path, mode, uid: 0, gid: 0, mtime, xattrs, link: entry.link };
    case 'character':
    case 'block':
      return { type, path, mode, uid: 0, gid: 0, mtime, xattrs, major: entry.major, minor: entry.minor };
    case 'file': {
      const { size, sha256, expect, verify, hardlink, contextPath } = entry;
      const content = { kind: 'copy', source: 0, path: contextPath, sha256, expect, verify } as const;
      return { type, path, mode, uid: 0, gid: 0, mtime, xattrs, size, hardlink, content };
    }
  }
}
