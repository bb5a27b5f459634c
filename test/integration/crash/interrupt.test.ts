import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { lacks } from '../../helpers/capabilities.ts';
import { descendantsOf, mountsAnywhereBelow, survivors } from '../../helpers/processes.ts';
import { programPath, startProgram, tbuild } from '../../helpers/program.ts';
import type { Program } from '../../helpers/program.ts';
import { openBench } from './bench.ts';
import type { Bench } from './bench.ts';

/** Starts a build whose command does not end, and waits until it runs. */
async function startEndless(bench: Bench): Promise<Program> {
  const context = bench.context({
    Dockerfile: 'FROM base\nCOPY . /src\nRUN mkdir /d; fill /d/f 100000; echo under way; sleep 600\n',
    a: 'a',
  });
  const program = startProgram([process.execPath, programPath, '--store', bench.store, '-t', 'app', context]);
  // Its failure to start is not waited for.
  const said = (): string => (program.isRunning() ? program.stdout() : 'it ended, no longer under way');
  await expect.poll(said, { timeout: 60_000 }).toMatch(/under way$/m);
  expect(program.isRunning()).toBe(true);
  return program;
}

describe.skipIf(lacks('user-namespaces', 'overlay'))('a build on the command line', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('cleans up on %s and ends with status %i', async (signal, status) => {
    using bench = await openBench();
    const program = await startEndless(bench);
    const family = descendantsOf(program.pid);
    const started = performance.now();
    program.kill(signal);
    const { code, stderr } = await program.ended;
    expect({ code, stderr }).toEqual({ code: status, stderr: `interrupted by ${signal}\n` });
    expect(performance.now() - started).toBeLessThan(5000);
    expect(family.map(({ name }) => name)).toContain('tbuild-init');
    expect(await survivors(family, 0)).toEqual([]);
    expect(mountsAnywhereBelow(bench.store)).toEqual([]);
    for (const place of ['tmp', 'leases']) expect(readdirSync(join(bench.store, place))).toEqual([]);
    expect(await bench.audit()).toEqual([]);
  });

  it('ends at once on a second SIGINT, and what it leaves goes with the next prune', async () => {
    using bench = await openBench();
    const program = await startEndless(bench);
    const family = descendantsOf(program.pid);
    program.kill('SIGINT');
    program.kill('SIGINT');
    expect((await program.ended).code).toBe(130);
    expect(await survivors(family)).toEqual([]);
    expect(await bench.leftAfterPrune()).toEqual([]);
    expect(readdirSync(join(bench.store, 'leases'))).toEqual([]);
  });

  it('is interrupted at any moment with status 130, or was done', async () => {
    using bench = await openBench();
    const context = bench.context({ Dockerfile: 'FROM base\nCOPY . /src\nRUN echo a > /a\nRUN echo b > /b\n', a: 'a' });
    for (const moment of [20, 60, 100, 140, 180, 240]) {
      const program = startProgram([
        process.execPath,
        programPath,
        '--no-cache',
        '--store',
        bench.store,
        '-t',
        'app',
        context,
      ]);
      await delay(moment);
      program.kill('SIGINT');
      const { code, signal, stderr } = await program.ended;
      // Before it could say what to do about signals, Node does what the kernel does.
      expect([`code 130 interrupted by SIGINT\n`, 'code 0 ', 'SIGINT ']).toContain(
        `${signal ?? `code ${code}`} ${stderr}`,
      );
      expect(readdirSync(join(bench.store, 'tmp'))).toEqual([]);
    }
    expect((await tbuild('--store', bench.store, '-t', 'app', context)).code).toBe(0);
    expect(await bench.audit()).toEqual([]);
  });
});
