import { describe, expect, test } from 'vitest';
import { describeCause, findCause } from '../../../src/cache/cause.ts';
import type { StepInputs } from '../../../src/cache/inputs.ts';

const inputs: StepInputs = {
  text: 'RUN make',
  environment: { PATH: '/bin', MODE: 'fast' },
  settings: { user: '', network: 'host' },
  files: [{ origin: 'the build context', digest: 'a' }],
  below: 's1',
};
const miss = { kind: 'no-record' } as const;
const earlier = { inputs, hasResult: true };
const cause = (changes: Partial<StepInputs>, more: object = {}): ReturnType<typeof findCause> =>
  findCause({ inputs: { ...inputs, ...changes }, earlier, miss, changedBelow: 'COPY . .', ...more });

describe('the cause of a miss is the nearest input that differs', () => {
  test('a build argument or variable, with both values', () => {
    expect(cause({ environment: { PATH: '/bin', MODE: 'safe' } })).toEqual({
      kind: 'environment',
      name: 'MODE',
      before: 'fast',
      after: 'safe',
    });
  });
  test('a new and a removed variable', () => {
    expect(cause({ environment: { ...inputs.environment, NEW: '1' } })).toMatchObject({
      name: 'NEW',
      before: undefined,
      after: '1',
    });
    expect(cause({ environment: { PATH: '/bin' } })).toMatchObject({ name: 'MODE', before: 'fast', after: undefined });
  });
  test('the instruction', () => {
    expect(cause({ text: 'RUN make all' })).toEqual({ kind: 'instruction', before: 'RUN make', after: 'RUN make all' });
  });
  test('a setting', () => {
    expect(cause({ settings: { user: 'app', network: 'host' } })).toMatchObject({
      kind: 'setting',
      name: 'user',
      after: 'app',
    });
  });
  test('files', () => {
    expect(cause({ files: [{ origin: 'the build context', digest: 'b' }] })).toMatchObject({
      kind: 'files',
      origin: 'the build context',
    });
  });
  test('an earlier step, by its text', () => {
    expect(cause({ below: 's2' })).toEqual({ kind: 'earlier-step', step: 'COPY . .' });
  });
  test('a fact of the state below', () => {
    const fact = { kind: 'fact', question: 'component app', before: 'absent', after: 'file 644 0:0' } as const;
    expect(cause({}, { miss: fact })).toMatchObject({ kind: 'state', before: 'absent' });
    expect(cause({}, { miss: fact, earlier: undefined })).toMatchObject({ kind: 'state' });
  });
  test('a removed layer, before all else', () => {
    expect(cause({ text: 'RUN other' }, { miss: { kind: 'layer-gone' } })).toEqual({ kind: 'layer-gone' });
  });
  test('nothing differs: the record is gone', () => {
    expect(cause({})).toEqual({ kind: 'record-gone' });
  });
  test('nothing to compare with: the first time', () => {
    expect(cause({}, { earlier: undefined })).toEqual({ kind: 'first' });
  });
});

test('files are listed by what happened to them, five of each at most', () => {
  const names = ['1', '2', '3', '4', '5', '6', '7'];
  const text = describeCause({
    kind: 'files',
    origin: 'the build context',
    changes: { added: ['new.ts'], removed: [], content: names, mode: [] },
  });
  expect(text).toBe('added: new.ts; content changed: 1, 2, 3, 4, 5 and 2 more in the build context');
});

test('long values are cut', () => {
  const text = describeCause({ kind: 'instruction', before: 'x'.repeat(1000), after: 'y' });
  expect(text.length).toBeLessThan(250);
});
