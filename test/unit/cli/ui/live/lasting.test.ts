import { describe, expect, test } from 'vitest';
import { TbuildError } from '../../../../../src/index.ts';
import type { BuildEvent, ImageRecord, PlannedOutput, PlannedStep } from '../../../../../src/index.ts';
import { done, log, plan, progress, replay, start } from './replay.ts';
import type { Happening } from './replay.ts';

const [from, run, copy] = plan(['FROM base', 'RUN make all', 'COPY a /a']) as [PlannedStep, PlannedStep, PlannedStep];
const begun: readonly Happening[] = [{ type: 'graph', steps: [from, run, copy] }, start(from), done(from, 'base')];
const failed: BuildEvent = { type: 'step:error', step: run, error: new TbuildError('TBUILD_RUN_FAILED', 'x') };
const image: BuildEvent = {
  type: 'image',
  image: { id: `sha256:${'0123456789abcdef'.repeat(4)}`, size: 127_000_000 } as ImageRecord,
  names: ['docker.io/library/app:latest', 'registry.example/team/app:2'],
};

describe('what stays of a step', () => {
  test('is a line: the base, what was cached, and what ran with its time', () => {
    const events = [...begun, start(run), 900, done(run, 'executed', 850), start(copy), done(copy, 'cached')];
    expect(replay(events).lasting).toEqual([
      '✔ Step 1/3 : FROM base',
      '✔ Step 2/3 : RUN make all                                                  0.8s',
      '✔ Step 3/3 : COPY a /a                                                   cached',
    ]);
  });

  test('that is cached is dimmed; of one that ran only the symbol has a colour', () => {
    const env = { LANG: 'C.UTF-8' };
    const [, cached, executed] = replay([...begun, start(run), done(run, 'cached'), start(copy), done(copy)], {
      env,
    }).lasting;
    const visible = (line = ''): string => JSON.stringify(line).replaceAll('\\u001b', '<esc>');
    expect(visible(cached)).toMatch(/^"<esc>\[2m✔ Step 2\/3 .* cached<esc>\[22m"$/);
    expect(visible(executed)).toMatch(/^"<esc>\[32m✔<esc>\[39m Step 3\/3 : COPY a \/a +0\.1s"$/);
  });

  test('says how much a pull brought', () => {
    const events = [
      start(from),
      progress(from, 'sha256:a', 0, 3e6),
      progress(from, 'sha256:a', 3e6, 3e6),
      done(from, 'base', 2000),
    ];
    expect(replay(events, { columns: 60 }).lasting).toEqual([
      '✔ Step 1/3 : FROM base                     pulled 3MB  2.0s',
    ]);
  });

  test('has the reason why it ran, and the end of its output with what came before it', () => {
    const cause: BuildEvent = {
      type: 'step:cause',
      step: run,
      cause: { kind: 'earlier-step', step: 'COPY --link a-directory-with-a-long-name /somewhere' },
    };
    const text = Array.from({ length: 100 }, (_, line) => `line ${line} \u001b[1mbold\u001b[0m\n`).join('');
    expect(replay([...begun, start(run), cause, log(run, text), done(run)]).lasting.slice(2)).toEqual([
      '    not cached: an earlier step gave another result: COPY --link',
      '    a-directory-with-a-long-name /somewhere',
      '    … 95 lines before, 2.09kB in all',
      ...[95, 96, 97, 98, 99].map((line) => `    line ${line} bold`),
    ]);
  });

  test('has all of little output, and nothing of none', () => {
    expect(replay([...begun, start(run), log(run, 'only\n'), done(run)]).lasting.slice(2)).toEqual(['    only']);
    expect(replay([...begun, start(run), log(run, '\n\n'), done(run)]).lasting).toHaveLength(2);
  });

  test('that failed is all of its output, in lines that are not cut', () => {
    const long = 'x'.repeat(200);
    const { lasting, frame } = replay([
      ...begun,
      start(run),
      log(run, `${long}\n`),
      log(run, 'no newline', 'stderr'),
      1500,
      failed,
    ]);
    expect(lasting.slice(1)).toEqual([
      '✖ Step 2/3 : RUN make all                                                  1.5s',
      `    ${long}`,
      '    no newline',
    ]);
    expect(frame).toHaveLength(1);
  });

  test('that failed after very much output is its beginning and its end, and between them how much is left out', () => {
    const lines = Array.from({ length: 20_000 }, (_, line) => `output line ${line}`);
    const { lasting } = replay([...begun, start(run), log(run, `${lines.join('\n')}\n`), failed], { columns: 200 });
    const shown = lasting.slice(2).map((line) => line.trim());
    const gap = shown.findIndex((line) => line.includes('left out here'));
    const tail = shown.length - gap - 1;
    expect(shown.slice(0, gap)).toEqual(lines.slice(0, gap));
    expect(shown.slice(gap + 1)).toEqual(lines.slice(-tail));
    expect(gap).toBeGreaterThan(500);
    expect(tail).toBeGreaterThan(2000);
    expect(shown[gap]).toMatch(/^… (\d+) lines \(\d+kB\) left out here; --progress=plain prints all …$/);
    expect(Number(/\d+/.exec(shown[gap] ?? '')?.[0])).toBe(20_000 - gap - tail);
  });

  test('that had to end before its time says so, with the end of its output; one that only waited leaves nothing', () => {
    const { stopped } = replay([...begun, start(run), start(copy), log(run, 'half way\n'), 4200]);
    expect(stopped).toEqual([
      '■ Step 2/3 : RUN make all                                         stopped  4.2s',
      '    half way',
    ]);
  });
});

describe('what stays of a build', () => {
  test('are its outputs, its id and size, what ran, what was cached and what that saved, and its names', () => {
    const output: PlannedOutput = { number: 1, total: 1, type: 'tar', destination: undefined };
    const events: readonly Happening[] = [
      ...begun,
      start(run),
      done(run, 'cached', 1, 65_000),
      start(copy),
      3400,
      done(copy),
      { type: 'output:start', output },
      { type: 'output:done', output, size: 1_500_000, durationMs: 700 },
      image,
    ];
    expect(replay(events).lasting.slice(3)).toEqual([
      '✔ Exported tar to standard output                                   1.5MB  0.7s',
      '✔ Built 0123456789ab (127MB) in 3.4s: 1 step run, 1 cached, 1m05s saved',
      '  app:latest',
      '  registry.example/team/app:2',
    ]);
  });

  test('is broken between words on a narrow screen', () => {
    expect(replay([...begun, image], { columns: 30 }).lasting.slice(1, 4)).toEqual([
      '✔ Built 0123456789ab (127MB)',
      '  in 0.0s: 0 steps run, 0',
      '  cached',
    ]);
  });

  test('tells of a build context that is fetched', () => {
    const { lasting } = replay([{ type: 'context:fetch', context: 'https://example.org/x.git' }]);
    expect(lasting).toEqual(['Fetching the build context https://example.org/x.git']);
  });

  test('has warnings with their line, without what could move the cursor', () => {
    const message = 'careful\u001b[2J with\nthis';
    const { lasting } = replay([{ type: 'warning', code: 'TBUILD_WARN_X', message, span: from.span }]);
    expect(lasting).toEqual(['WARNING: careful with this (line 1)']);
  });
});

describe('a terminal', () => {
  test('that does not take UTF-8 gets ASCII only', () => {
    const events = [...begun, start(run), log(run, 'naïve 日本\n'.repeat(9)), done(run), start(copy), failed];
    const { lasting, frame } = replay(events, { env: { LANG: 'C', NO_COLOR: '1' }, columns: 40 });
    for (const line of [...lasting, ...frame]) expect(line).toMatch(/^[ -~]*$/);
    expect(lasting).toContain('  na?ve ??');
    expect(lasting).toContain('+ 2/3 RUN make all                 0.1s');
  });

  test('with NO_COLOR gets no colours, whatever else it can', () => {
    const events = [...begun, start(run), log(run, '\u001b[31mred\n'), done(run, 'cached'), start(copy), failed, image];
    const { lasting, frame, stopped } = replay(events, { env: { LANG: 'C.UTF-8', NO_COLOR: '1', FORCE_COLOR: '3' } });
    for (const line of [...lasting, ...frame, ...stopped]) expect(line).not.toContain('\u001b');
  });
});
