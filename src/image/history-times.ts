import type { HistoryEntry } from '../oci/config.ts';

/**
 * Gives every entry a time, as docker does: the entries of a base keep theirs; a config-only instruction takes the time of the layer before it, and those ahead of the first new layer that layer's
 * (the base's where there is no new layer).
 * @param fallback for an image that has no time at all
 */
export function fillHistoryTimes(history: readonly HistoryEntry[], fallback: string): readonly HistoryEntry[] {
  const firstUntimed = history.findIndex(({ created }) => created === undefined);
  if (firstUntimed === -1) return history;
  const firstNew = history.slice(firstUntimed).find(({ created }) => created !== undefined)?.created;
  let current = firstNew ?? history[firstUntimed - 1]?.created ?? fallback;
  return history.map((entry, index) => {
    if (entry.created !== undefined) {
      if (index > firstUntimed) current = entry.created;
      return entry;
    }
    return { created: current, ...entry };
  });
}

/** RFC 3339 of milliseconds since the epoch, whole seconds without a fraction: `2001-09-09T01:46:40Z`. */
export function formatTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('.000Z', 'Z');
}
