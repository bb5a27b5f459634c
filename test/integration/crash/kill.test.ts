import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { killRounds } from '../../crash/rounds.ts';
import type { Victim } from '../../crash/rounds.ts';
import { lacks } from '../../helpers/capabilities.ts';
import { descendantsOf, survivors } from '../../helpers/processes.ts';
import type { ProcessEntry } from '../../helpers/processes.ts';
import { programPath, startProgram, tbuild } from '../../helpers/program.ts';
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
      const log: string[] = [];
      const wrong = await killRounds({
        program: [process.execPath, programPath],
        store: bench.store,
        build: ['-t', 'app', context],
        count: 5,
        victims,
        random: generator(seed),
        change,
        expected: (round) => ({ run: ['app'], output: applicationOutput('app', round) }),
        log: (line) => void log.push(line),
      });
      expect(wrong, log.join('\n')).toEqual([]);
      expect(await bench.audit()).toEqual([]);
      expect(await bench.leftAfterPrune()).toEqual([]);
      expect(await bench.leftAfterPrune('--all')).toEqual([]);
      expect(await bench.audit()).toEqual([]);
    },
  );

  it('of `tbuild run` leaves no process, and no container after the next prune', async () => {
    using bench = await openBench();
    const random = generator(seed);
    for (let round = 0; round < 6; round++) {
      const program = startProgram([
        process.execPath,
        programPath,
        'run',
        '--store',
        bench.store,
        'base',
        'sh',
        '-c',
        'fill /big 200000; echo under way; sleep 600',
      ]);
      const end = performance.now() + random() * 400;
      const family = new Map<number, ProcessEntry>();
      while (performance.now() < end) {
        for (const each of descendantsOf(program.pid)) family.set(each.pid, each);
        await delay(3);
      }
      program.kill('SIGKILL');
      await program.ended;
      expect(await survivors([...family.values()])).toEqual([]);
    }
    expect(await bench.leftAfterPrune()).toEqual([]);
    const containers = join(bench.store, 'containers');
    expect(existsSync(containers) ? readdirSync(containers) : []).toEqual([]);
    expect(await tbuild('run', '--store', bench.store, '--rm', 'base', 'echo', 'fine')).toMatchObject({
      stdout: 'fine\n',
    });
  });
});

/** Numerical Recipes' linear congruential generator: the same moments for the same seed. */
function generator(start: number): () => number {
  let state = start;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}
