import { describe, expect, it } from 'vitest';
import { killRounds } from '../../crash/rounds.ts';
import type { Victim } from '../../crash/rounds.ts';
import { lacks } from '../../helpers/capabilities.ts';
import { programPath } from '../../helpers/program.ts';
import { application, applicationOutput, openBench } from './bench.ts';

const seed = Number(process.env['CRASH_SEED'] ?? Date.now() % 100_000);

describe.skipIf(lacks('user-namespaces', 'overlay'))(`kill -9 at random moments (CRASH_SEED=${seed})`, () => {
  const cases: readonly (readonly [string, readonly Victim[]])[] = [
    ['the builder', ['builder']],
    ['the helper, its workers and sandboxes', ['helper', 'worker', 'init']],
  ];
  it.each(cases)(
    'of %s leaves no process, no mount and a whole store, and the next build ends well',
    async (_, victims) => {
      using bench = await openBench();
      const { context, change } = application(bench, 'app');
      const wrong = await killRounds({
        program: [process.execPath, programPath],
        store: bench.store,
        build: ['-t', 'app', context],
        count: 5,
        victims,
        random: generator(seed),
        change,
        expected: (round) => ({ run: ['app'], output: applicationOutput('app', round) }),
        log: (line) => console.log(line),
      });
      expect(wrong).toEqual([]);
      expect(await bench.audit()).toEqual([]);
      expect(await bench.leftAfterPrune()).toEqual([]);
      expect(await bench.leftAfterPrune('--all')).toEqual([]);
      expect(await bench.audit()).toEqual([]);
    },
  );
});

/** Numerical Recipes' linear congruential generator: the same moments for the same seed. */
function generator(start: number): () => number {
  let state = start;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}
