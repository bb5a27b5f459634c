import { parseGoDuration } from '../dockerfile/go-duration.ts';
import { TbuildError } from '../errors.ts';

/**
 * The time that docker's filter `until=` means: a Go duration before now (`24h`, `1h30m`), seconds since the epoch, or a date, perhaps with a time, in local time where it names no zone.
 * Throws TBUILD_USAGE.
 */
export function parseUntil(text: string, now: number = Date.now()): Date {
  const nanoseconds = parseGoDuration(text);
  const time = nanoseconds === undefined ? parseTimestamp(text) : now - nanoseconds / 1e6;
  if (time !== undefined && !Number.isNaN(time)) return new Date(time);
  throw new TbuildError('TBUILD_USAGE', `--filter until=${text}: neither a duration nor a time`, {
    hint: 'for example until=24h, until=2026-01-31 or until=2026-01-31T12:00:00Z',
  });
}

const date = /^(\d{4}-\d\d-\d\d)(?:T(\d\d)(?::(\d\d)(?::(\d\d)(\.\d+)?)?)?)?(Z|[+-]\d\d:\d\d)?$/;

function parseTimestamp(text: string): number | undefined {
  if (/^\d+(\.\d{1,9})?$/.test(text)) return Number(text) * 1000;
  const [, day, hours = '00', minutes = '00', seconds = '00', fraction = '', zone = ''] = date.exec(text) ?? [];
  return day === undefined
    ? undefined
    : Date.parse(`${day}T${hours}:${minutes}:${seconds}${fraction.slice(0, 4)}${zone}`);
}
