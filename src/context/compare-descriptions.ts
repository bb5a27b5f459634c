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
