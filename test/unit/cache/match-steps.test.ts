import { describe, expect, test } from 'vitest';
import { matchSteps } from '../../../src/cache/match-steps.ts';
import type { ReportedStep } from '../../../src/cache/report.ts';

/** `0.1 RUN a` */
const placed = (line: string): { readonly id: string; readonly text: string } => {
  const [id = '', ...words] = line.split(' ');
  return { id, text: words.join(' ') };
};
const reported = (line: string): ReportedStep => ({
  ...placed(line),
  number: 0,
  outcome: 'executed',
  cause: undefined,
  inputs: undefined,
  hasResult: true,
  key: undefined,
  layer: undefined,
  durationMs: 0,
});
const match = (steps: readonly string[], earlier: readonly string[]): object => {
  const matched = matchSteps(steps.map(placed), earlier.map(reported));
  return Object.fromEntries([...matched].map(([id, step]) => [id, `${step.id} ${step.text}`]));
};

describe('matchSteps', () => {
  test('what was edited keeps its place', () => {
    expect(match(['0.0 FROM b', '0.1 RUN x', '0.2 RUN b'], ['0.0 FROM b', '0.1 RUN a', '0.2 RUN b'])).toEqual({
      '0.0': '0.0 FROM b',
      '0.1': '0.1 RUN a',
      '0.2': '0.2 RUN b',
    });
  });

  test('what was put in front shifts nothing, and is nothing that was there', () => {
    expect(match(['0.1 RUN x', '0.2 RUN a', '0.3 RUN b'], ['0.1 RUN a', '0.2 RUN b'])).toEqual({
      '0.2': '0.1 RUN a',
      '0.3': '0.2 RUN b',
    });
  });

  test('what was taken out shifts nothing', () => {
    expect(match(['0.1 RUN b', '0.2 RUN c'], ['0.1 RUN a', '0.2 RUN b', '0.3 RUN c'])).toEqual({
      '0.1': '0.2 RUN b',
      '0.2': '0.3 RUN c',
    });
  });

  test('twice the same are two', () => {
    expect(match(['0.1 RUN x', '0.2 RUN a', '0.3 RUN a'], ['0.1 RUN a', '0.2 RUN a'])).toEqual({
      '0.2': '0.2 RUN a',
      '0.3': '0.1 RUN a',
    });
  });

  test('a stage that is put in front is another one, and its own stage comes first', () => {
    expect(match(['0.0 FROM x', '1.0 FROM b', '1.1 RUN a'], ['0.0 FROM b', '0.1 RUN a'])).toEqual({
      '1.0': '0.0 FROM b',
      '1.1': '0.1 RUN a',
    });
    expect(match(['1.2 RUN a'], ['0.1 RUN a', '1.1 RUN a'])).toEqual({ '1.2': '1.1 RUN a' });
  });
});
