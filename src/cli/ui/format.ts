const units = ['B', 'kB', 'MB', 'GB', 'TB'];

/** docker's decimal sizes with three digits: `1.23MB`. */
export function formatSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  const text = unit === 0 ? String(value) : String(Number(value.toPrecision(3)));
  return `${text}${units[unit] ?? ''}`;
}

const spans = [
  ['year', 365 * 24 * 3600],
  ['month', 30 * 24 * 3600],
  ['week', 7 * 24 * 3600],
  ['day', 24 * 3600],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
] as const;

/** `3 hours ago`, as docker's CREATED columns. */
export function formatAgo(created: string | undefined, now: number = Date.now()): string {
  const time = created === undefined ? Number.NaN : Date.parse(created);
  if (Number.isNaN(time)) return 'N/A';
  const seconds = Math.max(0, Math.floor((now - time) / 1000));
  const [name, length] =
    spans.find(([, span]) => seconds >= 2 * span || (seconds >= span && span === 1)) ?? (['second', 1] as const);
  const count = Math.floor(seconds / length);
  if (count < 1) return 'Less than a second ago';
  return `${count} ${name}${count === 1 ? '' : 's'} ago`;
}

export function formatDuration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)}ms`;
  const seconds = milliseconds / 1000;
  return seconds < 60
    ? `${seconds.toFixed(1)}s`
    : `${Math.floor(seconds / 60)}m${String(Math.floor(seconds % 60)).padStart(2, '0')}s`;
}

export function shortId(id: string): string {
  return id.replace(/^sha256:/, '').slice(0, 12);
}
