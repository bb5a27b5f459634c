import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { widthOf } from '../../../../../src/cli/ui/text-width.ts';
import type { PlannedOutput, PlannedStep } from '../../../../../src/index.ts';
import { done, log, plan, progress, replay, start } from './replay.ts';
import type { Happening } from './replay.ts';

const [from, run, copy] = plan(['FROM base', 'RUN make all', 'COPY a /a'], { 3: [1] }) as [
  PlannedStep,
  PlannedStep,
  PlannedStep,
];
const begun: readonly Happening[] = [{ type: 'graph', steps: [from, run, copy] }, start(from), done(from, 'base')];

describe('a frame', () => {
  test('is a line for each running step, with elapsed time, and the end of its output under it', () => {
    const { frame } = replay([...begun, 1000, start(run), log(run, 'one\ntwo\nthr'), 2500, log(run, 'ee\n')]);
    expect(frame).toEqual([
      'Building                                                      1/3 steps  3.5s',
      '→ Step 2/3 : RUN make all                                                  2.5s',
      '    one',
      '    two',
      '    three',
    ]);
  });

  test('shows six lines of output, as a terminal would leave them', () => {
    const text = Array.from({ length: 50 }, (_, line) => `\u001b[32mline ${line}\u001b[0m\u001b[2J\n`).join('');
    const { frame } = replay([...begun, start(run), log(run, `${text}0%\r50%\r99%`)]);
    expect(frame.slice(2)).toEqual([
      '    line 45',
      '    line 46',
      '    line 47',
      '    line 48',
      '    line 49',
      '    99%',
    ]);
  });

  test('says why a step is not reused', () => {
    const cause = { type: 'step:cause', step: run, cause: { kind: 'layer-gone' } } as const;
    expect(replay([...begun, start(run), cause]).frame[2]).toBe(
      '    not cached: its layer has been removed from the store',
    );
    const first = { ...cause, cause: { kind: 'first' } } as const;
    expect(replay([...begun, start(run), first]).frame).toHaveLength(2);
  });

  test('shows a step that waits for others as waiting; its time begins when they are done', () => {
    const steps = plan(['FROM a', 'FROM b', 'COPY --from=0 /x /x'], { 2: [], 3: [1, 2] });
    const [a, b, both] = steps as [PlannedStep, PlannedStep, PlannedStep];
    const waiting: readonly Happening[] = [{ type: 'graph', steps }, start(both), start(a), start(b), 1000, done(a)];
    expect(replay(waiting).frame.map((line) => line.replace(/ {3,}/, '  '))).toEqual([
      'Building  1/3 steps  1.0s',
      '→ Step 2/3 : FROM b  1.0s',
      '· Step 3/3 : COPY --from=0 /x /x  waiting',
    ]);
    expect(replay([...waiting, done(b), 300]).frame.at(-1)).toMatch(/^→ Step 3\/3 .* 0\.3s$/);
  });

  test('counts bytes and their rate, of a pull, a copy, a layer that is stored, an output', () => {
    const pulling = [
      ...begun.slice(0, 2),
      progress(from, 'sha256:a', 0, 40e6),
      progress(from, 'sha256:b', 0, 60e6),
      1000,
      progress(from, 'sha256:a', 20e6, 40e6),
    ];
    expect(replay(pulling).frame[1]).toMatch(/ 20MB\/s {2}pulling 20MB\/100MB {2}1\.0s$/);
    expect(replay([...begun, start(copy), progress(copy, 'files', 1e6, 2e6)]).frame[1]).toMatch(/ copying 1MB\/2MB /);
    expect(replay([...begun, start(run), progress(run, 'layer', 1e6)]).frame[1]).toMatch(/ storing 1MB /);
    const output: PlannedOutput = { number: 1, total: 1, type: 'oci', destination: '/x/app.tar' };
    const writing = (label: string): string | undefined =>
      replay([
        { type: 'output:start', output },
        { type: 'output:progress', output, label, current: 5e5, total: 1e6 },
      ]).frame[1];
    expect(writing('sha256:a')).toMatch(/^→ Exporting oci to \/x\/app\.tar .* compressing 500kB\/1MB {2}0\.0s$/);
    expect(writing('archive')).toMatch(/ writing 500kB\/1MB /);
  });

  test('the rate is that of the last seconds, and falls when nothing comes', () => {
    const events = [...begun, start(copy), progress(copy, 'files', 0, 1e9), 1000, progress(copy, 'files', 10e6, 1e9)];
    expect(replay(events).frame[1]).toContain(' 10MB/s ');
    expect(replay([...events, 4000]).frame[1]).toContain(' 2MB/s ');
    expect(replay([...events, 9000, progress(copy, 'files', 20e6, 1e9), 1000]).frame[1]).toContain(' 0B/s ');
  });

  test('says when the build is being stopped', () => {
    expect(replay([...begun, start(run)], { isStopping: true }).frame[0]).toMatch(/^Stopping /);
  });

  test('counts cached steps in its head', () => {
    const events = [...begun, start(run), done(run, 'cached'), 61_000];
    expect(replay(events).frame).toEqual([
      'Building                                           1 cached  2/3 steps  1m01s',
    ]);
  });
});

describe('a screen of little room', () => {
  const many = plan(
    ['FROM x', ...Array.from({ length: 9 }, (_, index) => `RUN step ${index}`)],
    Object.fromEntries(Array.from({ length: 9 }, (_, index) => [index + 2, []])),
  );
  const busy: readonly Happening[] = [
    { type: 'graph', steps: many },
    ...many.flatMap((step) => [start(step), log(step, 'a\nb\nc\nd\ne\nf\ng\n')]),
  ];

  test('shares its rows between the steps, and says how many do not fit', () => {
    expect(replay(busy, { rows: 7 }).frame).toEqual([
      expect.stringMatching(/^Building/),
      expect.stringMatching(/^→ Step {2}1\/10/),
      expect.stringMatching(/^→ Step {2}2\/10/),
      expect.stringMatching(/^→ Step {2}3\/10/),
      expect.stringMatching(/^→ Step {2}4\/10/),
      '    and 6 more',
    ]);
    const { frame } = replay(busy, { rows: 24 });
    expect(frame).toHaveLength(23);
    // The last line of each first; two more rows go to the first two.
    expect(frame.filter((line) => line === '    g')).toHaveLength(10);
    expect(frame.filter((line) => line === '    f')).toHaveLength(2);
  });

  test('leaves out the word Step and what is counted before it leaves out the text', () => {
    const pulling = [...begun.slice(0, 2), progress(from, 'sha256:a', 0, 1e8), 1000];
    expect(replay(pulling, { columns: 59 }).frame[1]).toBe(
      '→ 1/3 FROM base               0B/s  pulling 0B/100MB  1.0s',
    );
    expect(replay(pulling, { columns: 40 }).frame[1]).toBe('→ 1/3 FROM base  pulling 0B/100MB  1.0s');
    expect(replay(pulling, { columns: 24 }).frame[1]).toBe('→ 1/3 FROM base    1.0s');
    expect(replay(pulling, { columns: 12 }).frame[1]).toBe('→ 1/3 FROM…');
  });

  test('is never left: no line is wider, no frame higher, whatever happens', () => {
    const noise = fc.string({
      unit: fc.constantFrom('a', '日', '\u001b[2J', '\t', '\r', '\n', ' ', 'é', '👍'),
      maxLength: 60,
    });
    const size = fc.record({ columns: fc.integer({ min: 1, max: 120 }), rows: fc.integer({ min: 1, max: 40 }) });
    fc.assert(
      fc.property(fc.array(noise, { maxLength: 12 }), size, fc.nat(1e9), (texts, { columns, rows }, time) => {
        const steps = plan(['FROM x', ...texts], Object.fromEntries(texts.map((_, index) => [index + 2, []])));
        const events = steps.flatMap((step, index) => [
          start(step),
          log(step, texts[index] ?? ''),
          progress(step, 'files', time, index % 2 === 0 ? undefined : 2 * time),
        ]);
        const { frame } = replay([{ type: 'graph', steps }, ...events, time], { columns, rows });
        // Beside the head stands the spinner.
        for (const line of [`* ${frame[0]}`, ...frame.slice(1)])
          expect(widthOf(line)).toBeLessThanOrEqual(Math.max(2, columns - 1));
        expect(frame.length + 1).toBeLessThanOrEqual(Math.max(3, rows));
      }),
    );
  });
});
