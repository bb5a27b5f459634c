import { describe, expect, test } from 'vitest';
import { parseUntil } from '../../../src/index.ts';

const now = Date.parse('2026-11-25T12:00:00Z');
const local = (text: string): string => new Date(text).toISOString();

describe('parseUntil', () => {
  test.each([
    ['24h', '2026-11-24T12:00:00.000Z'],
    ['1h30m', '2026-11-25T10:30:00.000Z'],
    ['1.5s', '2026-11-25T11:59:58.500Z'],
    ['0', '2026-11-25T12:00:00.000Z'],
    ['-1h', '2026-11-25T13:00:00.000Z'],
    ['1577836800', '2020-01-01T00:00:00.000Z'],
    ['1577836800.25', '2020-01-01T00:00:00.250Z'],
    ['2020-01-02T03:04:05Z', '2020-01-02T03:04:05.000Z'],
    ['2020-01-02T03:04:05.123456789+01:00', '2020-01-02T02:04:05.123Z'],
    ['2020-01-02T03:04:05', local('2020-01-02T03:04:05')],
    ['2020-01-02T03:04', local('2020-01-02T03:04:00')],
    ['2020-01-02T03', local('2020-01-02T03:00:00')],
    ['2020-01-02', local('2020-01-02T00:00:00')],
  ])('%s', (text, time) => {
    expect(parseUntil(text, now).toISOString()).toBe(time);
  });

  test.each(['', '24x', '2020-13-45', 'yesterday', '1h 2m', '2020-01-02T03:04:05 Z'])('%j is a mistake', (text) => {
    expect(() => parseUntil(text, now)).toThrow(expect.objectContaining({ code: 'TBUILD_USAGE' }));
  });
});
