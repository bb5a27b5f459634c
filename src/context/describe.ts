import { createSha256 } from '../native/sha256.ts';
import { parseChmod } from '../dockerfile/chmod-mode.ts';
import { noXattrs } from './file-digests.ts';
import type { SelectedEntry, SelectedItem, Selection, SelectionParts } from './selection.ts';

/**
 * sha256 over a canonical text of what the copied result depends on: relative paths, types, permission bits (those that `--chmod` makes, and none when it makes all the same), contents, link targets, xattrs, hard links.
 * Not on times, owners or where in the context an item lies, nor on the attributes of a directory whose contents are copied, for Docker gives the destination its own.
 */
export function digestSelection(parts: SelectionParts, counting: Counting): Selection {
  const { chmod, as } = counting;
  const hash = createSha256();
  hash.update('tbuild selection 1\n');
  for (const item of parts.items) {
    hash.update(`item ${item.entries[0].type}\n`);
    for (const text of chunks(itemLines(item, (entry) => entryName(item, entry), counting))) hash.update(text);
  }
  return { items: parts.items, skipped: parts.skipped, chmod, as, digest: hash.hex() };
}

/** What of the entries counts. */
type Counting = Pick<Selection, 'chmod' | 'as'>;

/**
 * One line per entry, for people and for {@link compareDescriptions}: `PATH TYPE MODE [KEY=VALUE]…`, paths relative to the context root and escaped as in a listing
 * (bytes below 0x21, `%` and from 0x7f on as `%XX`).
 */
export function describeSelection(selection: Selection): string {
  let text = '';
  for (const item of selection.items) {
    for (const chunk of chunks(itemLines(item, (entry) => entry.contextPath, selection))) text += chunk;
  }
  return text;
}

/** Which files differ between two descriptions. Lists are cut to a limit; `counts` are whole. */
export interface SelectionChanges {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Content, type, link target or extended attributes. */
  readonly content: readonly string[];
  /** Permission bits only. */
  readonly mode: readonly string[];
  readonly counts: Readonly<Record<ChangeKind, number>>;
}

export type ChangeKind = 'added' | 'removed' | 'content' | 'mode';

/**
 * Compares two texts of {@link describeSelection}. Paths come back as names, not escaped.
 * @param limit of each list; default 100
 */
export function compareDescriptions(before: string, after: string, limit = 100): SelectionChanges {
  const earlier = parse(before);
  const lists = { added: [] as string[], removed: [] as string[], content: [] as string[], mode: [] as string[] };
  const counts = { added: 0, removed: 0, content: 0, mode: 0 };
  const note = (kind: ChangeKind, path: string): void => {
    counts[kind]++;
    if (lists[kind].length < limit) lists[kind].push(unescapePath(path));
  };
  for (const [path, line] of parse(after)) {
    const old = earlier.get(path);
    earlier.delete(path);
    if (old === line) continue;
    if (old === undefined) note('added', path);
    else note(withoutMode(old) === withoutMode(line) ? 'mode' : 'content', path);
  }
  for (const path of earlier.keys()) note('removed', path);
  return { ...lists, counts };
}

function* itemLines(
  item: SelectedItem,
  nameOf: (entry: SelectedEntry) => string,
  { chmod, as }: Counting,
): Generator<string, void, undefined> {
  const modes = modesOf(chmod);
  for (const entry of item.entries) {
    const isTop = entry.type === 'directory' && entry.path === '';
    // The context's own directory always looks the same when it is mounted, as in docker.
    if (isTop && (as === 'copied' || entry.contextPath === '')) continue;
    yield `${escapePath(nameOf(entry)) || '.'} ${entryText(entry, modes)}\n`;
  }
}

/** A lone file is copied under its name; what is below a directory under its path there. */
function entryName(item: SelectedItem, entry: SelectedEntry): string {
  return entry.path === '' && entry.type !== 'directory' ? item.name : entry.path;
}

type ModeText = (entry: SelectedEntry) => string;

function modesOf(chmod: string | undefined): ModeText {
  const change = chmod === undefined ? undefined : parseChmod(chmod);
  if (change === undefined) return (entry) => entry.mode.toString(8);
  if (change.fixed !== undefined) return () => '-';
  return (entry) => change.apply(entry.mode, entry.type === 'directory').toString(8);
}

/** Equal for values of `--chmod` under which a selection has the same digest. */
export function modesKey(chmod: string | undefined): string | null {
  if (chmod === undefined) return null;
  return parseChmod(chmod)?.fixed === undefined ? chmod : '-';
}

const letters = { directory: 'd', file: 'f', symlink: 'l', fifo: 'p', character: 'c', block: 'b' } as const;

function entryText(entry: SelectedEntry, modes: ModeText): string {
  let text = `${letters[entry.type]} ${entry.type === 'symlink' ? '-' : modes(entry)}`;
  if (entry.type === 'directory' && entry.passed) text += ' passed';
  if (entry.type === 'file') text += ` sha256=${entry.sha256}`;
  if (entry.type === 'symlink') text += ` link=${escapePath(entry.link)}`;
  if (entry.type === 'character' || entry.type === 'block') text += ` dev=${entry.major}:${entry.minor}`;
  if (entry.type === 'file' && entry.hardlink !== undefined) text += ` hard=${escapePath(entry.hardlink)}`;
  if (entry.xattrs === noXattrs) return text;
  for (const name of Object.keys(entry.xattrs).sort()) text += ` x:${escapePath(name)}=${entry.xattrs[name] ?? ''}`;
  return text;
}

export function escapePath(path: string): string {
  if (/^[!-$&-~]*$/.test(path)) return path;
  let text = '';
  for (const byte of Buffer.from(path, 'utf8')) {
    const isPlain = byte > 0x20 && byte < 0x7f && byte !== 0x25;
    text += isPlain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return text;
}

const chunkLength = 64 * 1024;

/** Joins lines, so that a hash is not called for each. */
function* chunks(lines: Iterable<string>): Generator<string, void, undefined> {
  let chunk = '';
  for (const line of lines) {
    chunk += line;
    if (chunk.length < chunkLength) continue;
    yield chunk;
    chunk = '';
  }
  yield chunk;
}

/** Path to the rest of its line. */
function parse(description: string): Map<string, string> {
  const lines = new Map<string, string>();
  for (const line of description.split('\n')) {
    const space = line.indexOf(' ');
    if (space > 0) lines.set(line.slice(0, space), line.slice(space + 1));
  }
  return lines;
}

/** `f 644 sha256=…` → `f sha256=…` */
function withoutMode(rest: string): string {
  return rest.replace(/^(\S+) \S+/, '$1');
}

function unescapePath(path: string): string {
  const bytes = path.replace(/%([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
