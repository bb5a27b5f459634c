import { expect, test } from 'vitest';
import { fillHistoryTimes, formatTime } from '../../../src/image/history-times.ts';

const times = (...created: readonly (string | undefined)[]): readonly (string | undefined)[] =>
  fillHistoryTimes(
    created.map((each) => (each === undefined ? { created_by: 'ENV' } : { created: each, created_by: 'RUN' })),
    'now',
  ).map((entry) => entry.created);

test('instructions ahead of the first new layer take its time, not that of the base', () => {
  expect(times('base', undefined, undefined, 't1')).toEqual(['base', 't1', 't1', 't1']);
});

test('instructions behind a layer take the time of that layer', () => {
  expect(times('base', undefined, 't1', undefined, 't2', undefined)).toEqual(['base', 't1', 't1', 't1', 't2', 't2']);
});

test('without a new layer everything has the time of the base', () => {
  expect(times('old', 'base', undefined, undefined)).toEqual(['old', 'base', 'base', 'base']);
});

test('an image without any layer takes the time of the build', () => {
  expect(times(undefined, undefined)).toEqual(['now', 'now']);
});

test('whole seconds are written without a fraction', () => {
  expect(formatTime(1_000_000_000_000)).toBe('2001-09-09T01:46:40Z');
  expect(formatTime(1_000_000_000_123)).toBe('2001-09-09T01:46:40.123Z');
});
