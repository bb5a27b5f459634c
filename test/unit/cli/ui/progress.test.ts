import { describe, expect, test } from 'vitest';
import { jsonProgress } from '../../../../src/cli/ui/json-progress.ts';
import { plainProgress } from '../../../../src/cli/ui/plain-progress.ts';
import { TbuildError } from '../../../../src/index.ts';
import type { BuildEvent, PlannedStep } from '../../../../src/index.ts';

const step = (number: number): PlannedStep => ({
  id: `0.${number - 1}`,
  number,
  total: 3,
  stage: 0,
  stageName: undefined,
  text: `RUN ${number}`,
  span: { file: 'Dockerfile', line: number, column: 1, endLine: number, endColumn: 6 },
  inputs: [],
});
const [one, two] = [step(1), step(2)];
const log = (of: PlannedStep, text: string | Uint8Array, stream: 'stdout' | 'stderr' = 'stdout'): BuildEvent => ({
  type: 'step:log',
  step: of,
  stream,
  chunk: Buffer.from(text),
});
const done = (of: PlannedStep): BuildEvent => ({
  type: 'step:done',
  step: of,
  outcome: 'executed',
  layer: undefined,
  durationMs: 5,
  savedMs: 0,
});

function plain(...events: BuildEvent[]): string {
  let text = '';
  const progress = plainProgress((more) => (text += more));
  for (const event of events) progress.handle(event);
  return text;
}

describe('plain progress', () => {
  test('repeats the heading whenever another step says something, and never cuts a line', () => {
    const text = plain(
      { type: 'step:start', step: one },
      log(one, 'a1\na'),
      { type: 'step:start', step: two },
      log(two, 'b1\n'),
      log(one, '2\n'),
      done(two),
      done(one),
    );
    expect(text).toBe('Step 1/3 : RUN 1\na1\nStep 2/3 : RUN 2\nb1\nStep 1/3 : RUN 1\na2\n');
  });

  test('prints what has no newline when the step ends, also by an error, each stream for itself', () => {
    const error = new TbuildError('TBUILD_RUN_FAILED', 'x');
    expect(plain(log(one, 'out'), log(one, 'err', 'stderr'), log(one, 'put'), done(one))).toBe(
      'Step 1/3 : RUN 1\noutput\nerr\n',
    );
    expect(plain(log(one, 'last'), { type: 'step:error', step: one, error })).toBe('Step 1/3 : RUN 1\nlast\n');
  });

  test('joins characters that come in pieces', () => {
    const bytes = Buffer.from('é\n');
    expect(plain(log(one, bytes.subarray(0, 1)), log(one, bytes.subarray(1)))).toContain('\né\n');
  });

  test('says why a step ran, unless it is the first time', () => {
    const cause = (kind: 'first' | 'no-cache' | 'layer-gone'): string =>
      plain({ type: 'step:cause', step: one, cause: { kind } });
    expect(cause('first')).toBe('');
    expect(cause('no-cache')).toBe('');
    expect(cause('layer-gone')).toContain(' ---> Not cached: its layer has been removed from the store\n');
  });

  test('says how much a step pulled, and what was exported where', () => {
    const fetch = (label: string, current: number): BuildEvent => ({
      type: 'step:progress',
      step: one,
      label,
      current,
      total: 2_000_000,
    });
    const text = plain(
      fetch('sha256:a', 0),
      fetch('sha256:b', 1_000_000),
      fetch('files', 5_000_000),
      fetch('sha256:a', 2_000_000),
      done(one),
    );
    expect(text).toBe('Step 1/3 : RUN 1\n ---> Pulled 3MB\n');
    const output = { number: 1, total: 1, type: 'oci', destination: '/x/app.tar' } as const;
    expect(plain({ type: 'output:done', output, size: 1500, durationMs: 20 })).toBe(
      'Exported oci to /x/app.tar (1.5kB, 20ms)\n',
    );
    expect(
      plain({ type: 'output:done', output: { ...output, destination: undefined }, size: 0, durationMs: 20 }),
    ).toContain('to standard output (0B');
  });

  test('keeps at most a megabyte of a line that does not end', () => {
    const piece = log(one, 'x'.repeat(600_000));
    const text = plain(piece, piece, piece);
    expect(text.split('\n').map(({ length }) => length)).toEqual([16, 1_200_000, 0]);
  });

  test('tells of a build context that is fetched', () => {
    expect(plain({ type: 'context:fetch', context: 'https://example.org/x.git#main' })).toBe(
      'Fetching the build context https://example.org/x.git#main\n',
    );
  });

  test('has warnings with their line', () => {
    const warning = { type: 'warning', code: 'TBUILD_WARN_X', message: 'careful' } as const;
    expect(plain({ ...warning, span: one?.span })).toBe('WARNING: careful (line 1)\n');
    expect(plain({ ...warning, span: undefined })).toBe('WARNING: careful\n');
    expect(plain({ ...warning, code: 'UndefinedVar', span: one?.span })).toBe(
      'WARNING: UndefinedVar: careful (line 1)\n',
    );
  });
});

describe('json progress', () => {
  const lines = (...events: BuildEvent[]): Record<string, unknown>[] => {
    const written: string[] = [];
    const progress = jsonProgress((text) => void written.push(text));
    for (const event of events) progress.handle(event);
    for (const line of written) expect(line).toMatch(/^[^\n]*\n$/);
    return written.map((line) => JSON.parse(line) as Record<string, unknown>);
  };

  test('has the id for the step, text for bytes, and a sentence for a cause', () => {
    expect(lines(log(one, 'a\n"b"'))).toMatchObject([
      { type: 'step:log', step: '0.0', stream: 'stdout', text: 'a\n"b"' },
    ]);
    expect(lines({ type: 'step:cause', step: two, cause: { kind: 'no-cache' } })).toMatchObject([
      { step: '0.1', cause: { kind: 'no-cache' }, message: '--no-cache was given' },
    ]);
  });

  test('joins characters that come in pieces', () => {
    const bytes = Buffer.from('é');
    const texts = lines(log(one, bytes.subarray(0, 1)), log(one, bytes.subarray(1))).map(({ text }) => text);
    expect(texts.join('')).toBe('é');
  });

  test('tells an error without its stack and details', () => {
    const error = new TbuildError('TBUILD_COPY', 'no', { hint: 'h', span: one.span, details: { secret: 1 } });
    const [line] = lines({ type: 'step:error', step: one, error });
    expect(line?.['error']).toEqual({ code: 'TBUILD_COPY', message: 'no', hint: 'h', span: one.span });
  });
});
