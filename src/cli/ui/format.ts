import { familiarName } from '../../index.ts';
import type { BuildEvent, PlannedOutput } from '../../index.ts';

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

/** `3 hours ago`, as docker's CREATED columns (go-units, HumanDuration). */
export function formatAgo(created: string | undefined, now: number = Date.now()): string {
  const time = created === undefined ? Number.NaN : Date.parse(created);
  return Number.isNaN(time) ? 'N/A' : `${formatSpan(Math.max(0, Math.floor((now - time) / 1000)))} ago`;
}

function formatSpan(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(seconds / 3600 + 0.5);
  if (seconds < 1) return 'Less than a second';
  if (seconds < 60) return seconds === 1 ? '1 second' : `${seconds} seconds`;
  if (minutes < 60) return minutes === 1 ? 'About a minute' : `${minutes} minutes`;
  if (hours < 48) return hours === 1 ? 'About an hour' : `${hours} hours`;
  const days = Math.floor(hours / 24);
  if (days < 14) return `${days} days`;
  if (days < 60) return `${Math.floor(days / 7)} weeks`;
  return days < 730 ? `${Math.floor(days / 30)} months` : `${Math.floor(seconds / 3600 / 24 / 365)} years`;
}

/** `2026-11-24T22:57:02Z`, as docker's columns have it with --human=false. */
export function formatTime(created: string | undefined): string {
  const time = created === undefined ? Number.NaN : Date.parse(created);
  return Number.isNaN(time) ? 'N/A' : new Date(time).toISOString().replace(/\.\d+Z$/, 'Z');
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

/** What images and archives say of themselves must not move the cursor. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '\ufffd');
}

/** A reference as people write it, with its tag. */
export function familiarImage(reference: string): string {
  const { repository, tag } = familiarName(reference);
  return `${repository}:${tag}`;
}

/** @param verb `Exporting` or `Exported` */
export function formatOutput({ type, destination }: PlannedOutput, verb: string): string {
  return `${verb} ${type} to ${destination ?? 'standard output'}`;
}

export function formatFetch({ context }: Extract<BuildEvent, { type: 'context:fetch' }>): string {
  return `Fetching the build context ${context}`;
}

/** Of a check with the name of its rule, as docker has it: it is what `# check=skip=` takes. */
export function formatWarning({ code, message, span }: Extract<BuildEvent, { type: 'warning' }>): string {
  const rule = code.startsWith('TBUILD_') ? '' : `${code}: `;
  return `WARNING: ${rule}${message}${span === undefined ? '' : ` (line ${span.line})`}`;
}
