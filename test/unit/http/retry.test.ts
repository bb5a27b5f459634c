import { expect, test } from 'vitest';
import { backOff, isPassingError, isPassingStatus } from '../../../src/http/retry.ts';

async function waited(tried: number, retryAfter: string | undefined): Promise<number> {
  const start = performance.now();
  await backOff(tried, retryAfter, { delayMs: 40, signal: undefined });
  return performance.now() - start;
}

test('the wait doubles with each try', async () => {
  expect(await waited(1, undefined)).toBeGreaterThanOrEqual(35);
  expect(await waited(2, undefined)).toBeGreaterThanOrEqual(75);
});

test('Retry-After counts, as seconds or as a date', async () => {
  expect(await waited(3, '0')).toBeLessThan(40);
  expect(await waited(3, 'Thu, 01 Jan 1970 00:00:00 GMT')).toBeLessThan(40);
  expect(await waited(1, 'soon')).toBeGreaterThanOrEqual(35);
});

test('an abort ends the wait with its reason', async () => {
  const reason = new Error('enough');
  const controller = new AbortController();
  const waiting = backOff(1, '60', { delayMs: 1, signal: controller.signal });
  controller.abort(reason);
  await expect(waiting).rejects.toBe(reason);
});

test('only what may pass by itself is tried again', () => {
  expect([408, 429, 500, 502, 503, 504].every(isPassingStatus)).toBe(true);
  expect([200, 301, 400, 401, 403, 404, 501].some(isPassingStatus)).toBe(false);
  const error = (code: string): Error => Object.assign(new Error('x'), { code });
  expect(isPassingError(error('ECONNRESET'))).toBe(true);
  for (const code of ['ECONNREFUSED', 'ENOTFOUND', 'CERT_HAS_EXPIRED']) expect(isPassingError(error(code))).toBe(false);
});
