/** One line of /etc/subuid or /etc/subgid. */
export interface SubordinateRange {
  /** A user name or a uid in decimal. */
  readonly owner: string;
  readonly start: number;
  readonly count: number;
}

/** Lines that are not `owner:start:count` (subuid(5)), empty ranges and ids beyond 2^32 are passed over, as newuidmap does. */
export function rangesOf(text: string | undefined): readonly SubordinateRange[] {
  const ranges: SubordinateRange[] = [];
  for (const line of (text ?? '').split('\n')) {
    const match = /^([^:#]+):(\d{1,10}):(\d{1,10})$/.exec(line.trim());
    if (match === null) continue;
    const [start, count] = [Number(match[2]), Number(match[3])];
    if (count > 0 && start + count <= 0xffff_ffff) ranges.push({ owner: match[1] ?? '', start, count });
  }
  return ranges;
}
