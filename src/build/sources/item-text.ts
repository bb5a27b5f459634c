import { escapePath } from '../../context/describe.ts';
import { parseChmod } from '../../dockerfile/chmod-mode.ts';
import type { SourceEntry, SourceItem } from '../transfer/source.ts';
import type { SourceRequest } from './source-request.ts';

/** What of a source's attributes counts. */
type Counting = Pick<SourceRequest, 'chmod' | 'setsOwner'>;

/** Everything that the copied result depends on, one line an entry: modes and owners that the step sets are not in it. */
export function itemsText(items: readonly SourceItem[], counting: Counting): string {
  const modeOf = modes(counting);
  const ownerOf = owners(counting);
  const lines: string[] = [];
  for (const item of items) {
    const [first] = item.entries;
    // The name counts only where it becomes part of a path: not for a directory, whose contents are copied.
    lines.push(JSON.stringify(['item', first?.type === 'directory' ? '' : item.name]));
    for (const entry of item.entries) {
      const { path, type, xattrs } = entry;
      const content = entry.type === 'file' ? entry.content : undefined;
      const sha256 = content?.kind === 'copy' ? content.sha256 : '';
      const passed = entry.type === 'directory' && entry.passed ? ['passed'] : [];
      const attributes = [modeOf(entry), ownerOf(entry), sha256, linkOf(entry), sortedPairs(xattrs), ...passed];
      lines.push(JSON.stringify([path, type, ...attributes]));
    }
  }
  return `${lines.join('\n')}\n`;
}

const letters = { directory: 'd', file: 'f', symlink: 'l', fifo: 'p', character: 'c', block: 'b' } as const;

/** The same lines as a selection of the build context has (context/describe.ts), with owners, which copies between stages keep. */
export function describeItems(items: readonly SourceItem[], counting: Counting): string {
  const modeOf = modes(counting);
  const ownerOf = owners(counting);
  const lines: string[] = [];
  for (const item of items) {
    const base = item.source.replace(/^(?:\.?\/)+|\/+$|^\.$/g, '');
    for (const entry of item.entries) {
      const content = entry.type === 'file' && entry.content.kind === 'copy' ? ` sha256=${entry.content.sha256}` : '';
      const path = escapePath([base, entry.path].filter((part) => part !== '').join('/') || '.');
      const link = escapePath(linkOf(entry));
      lines.push(`${path} ${letters[entry.type]} ${modeOf(entry)}${content} ${ownerOf(entry)} ${link}\n`);
    }
  }
  return lines.join('');
}

function modes({ chmod }: Counting): (entry: SourceEntry) => string {
  const change = chmod === undefined ? undefined : parseChmod(chmod);
  if (change === undefined) return ({ mode }) => mode.toString(8);
  if (change.fixed !== undefined) return () => '-';
  return ({ mode, type }) => change.apply(mode, type === 'directory').toString(8);
}

function owners({ setsOwner }: Counting): (entry: SourceEntry) => string {
  return setsOwner ? () => '-' : ({ uid, gid }) => `${uid}:${gid}`;
}

function sortedPairs(values: Readonly<Record<string, string>>): readonly (readonly [string, string])[] {
  return Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1));
}

function linkOf(entry: SourceEntry): string {
  switch (entry.type) {
    case 'symlink':
      return entry.link;
    case 'file':
      return entry.hardlink ?? '';
    case 'character':
    case 'block':
      return `${entry.major}:${entry.minor}`;
    case 'directory':
    case 'fifo':
      return '';
  }
}
