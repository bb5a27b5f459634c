import { sha256Hex } from '../../native/sha256.ts';
import type { TransferSource } from '../steps/copy-step.ts';
import type { ChangedSource, SourceEntry, SourceItem, SourceSet } from '../transfer/source.ts';

/** What several places hold, in their order: the context, URLs, repositories, and what stands in the Dockerfile itself. */
export function joinSources(parts: readonly [TransferSource, ...TransferSource[]]): TransferSource {
  const [first, ...others] = parts;
  if (others.length === 0) return first;
  const joined = new WeakMap<SourceSet, readonly SourceSet[]>();
  const join = (sets: readonly SourceSet[]): SourceSet => {
    const items: SourceItem[] = [];
    const roots: string[] = [];
    for (const set of sets) {
      items.push(...set.items.map((item) => moved(item, roots.length)));
      roots.push(...set.roots);
    }
    const set = { digest: joinDigests(sets.map(({ digest }) => digest)), items, roots };
    joined.set(set, sets);
    return set;
  };
  const setsOf = (set: SourceSet): readonly SourceSet[] => {
    const sets = joined.get(set);
    if (sets === undefined) throw new TypeError('not a set of this source');
    return sets;
  };
  return {
    origin: parts.map(({ origin }) => origin).join(' and '),
    digest: async () => joinDigests(await Promise.all(parts.map((part) => part.digest()))),
    async remote() {
      const all: Record<string, string> = {};
      for (const part of parts) Object.assign(all, await part.remote?.());
      return all;
    },
    select: async () => join(await Promise.all(parts.map((part) => part.select()))),
    async withChanges(set, changed) {
      let start = 0;
      const sets: SourceSet[] = [];
      for (const [index, each] of setsOf(set).entries()) {
        const own = changed.filter(({ root }) => root >= start && root < start + each.roots.length);
        const from = start;
        start += each.roots.length;
        const shifted = own.map((file): ChangedSource => ({ ...file, root: file.root - from }));
        sets.push(own.length === 0 ? each : ((await parts[index]?.withChanges(each, shifted)) ?? each));
      }
      return join(sets);
    },
    describe: (set) =>
      setsOf(set)
        .map((each, index) => parts[index]?.describe(each) ?? '')
        .join(''),
    explain: (error) => parts.reduce((explained, part) => part.explain(explained), error),
    async release() {
      for (const part of parts) await part.release?.();
    },
  };
}

/** Its files lie behind so many roots of others. */
function moved(item: SourceItem, roots: number): SourceItem {
  if (roots === 0) return item;
  const move = (entry: SourceEntry): SourceEntry =>
    entry.type === 'file' && entry.content.kind === 'copy'
      ? { ...entry, content: { ...entry.content, source: entry.content.source + roots } }
      : entry;
  return { ...item, entries: item.entries.map(move) };
}

function joinDigests(digests: readonly string[]): string {
  return sha256Hex(digests.join('\n'));
}
