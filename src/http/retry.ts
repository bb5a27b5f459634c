import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf, stalledCode } from './failure.ts';

export interface RetryOptions {
  /** Before the second try; doubles with each. */
  readonly delayMs: number;
  readonly signal: AbortSignal | undefined;
}

export const maxTries = 3;

/** Statuses after which the same request may well succeed: time-out, rate limit, and trouble behind the registry's front. */
const passingStatuses: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);

const passingCodes: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN', stalledCode]);

export function isPassingStatus(status: number): boolean {
  return passingStatuses.has(status);
}

export function isPassingError(error: unknown): boolean {
  return passingCodes.has(errnoOf(error) ?? '');
}

/**
 * Waits before try number `tried + 1`. A server's Retry-After (seconds or a date) counts, up to a minute.
 * Rejects with the signal's reason when it is aborted.
 */
export async function backOff(tried: number, retryAfter: string | undefined, options: RetryOptions): Promise<void> {
  const wanted = retryAfterMs(retryAfter);
  const delay = wanted === undefined ? options.delayMs * 2 ** (tried - 1) : Math.min(wanted, 60_000);
  try {
    await sleep(delay, undefined, options.signal === undefined ? {} : { signal: options.signal });
  } catch (error) {
    options.signal?.throwIfAborted();
    throw error;
  }
}

function retryAfterMs(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}
