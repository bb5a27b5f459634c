import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { lacks } from '../../helpers/capabilities.ts';
import { descendantsOf, survivors } from '../../helpers/processes.ts';
import { programPath, startProgram } from '../../helpers/program.ts';
import type { Program } from '../../helpers/program.ts';
import { openBench } from './bench.ts';
import type { Bench } from './bench.ts';

/** Counts in a file, as fast as it can, until it is killed. */
const beat = `
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
int main(int argc, char **argv) {
  int fd = open(argv[1], O_WRONLY | O_CREAT, 0644);
  for (long count = 1; argc > 1; count++) {
    char text[32];
    int length = snprintf(text, sizeof text, "%020ld\\n", count);
    if (pwrite(fd, text, length, 0) != length) return 1;
    if (count == 1) { puts("under way"); fflush(stdout); }
  }
}
`;

function compile(bench: Bench): Buffer {
  const [source, program] = [join(bench.directory, 'beat.c'), join(bench.directory, 'beat')];
  writeFileSync(source, beat);
  execFileSync('gcc', ['-static', '-O1', '-Wall', '-Werror', '-o', program, source]);
  return readFileSync(program);
}

async function says(program: Program, text: string): Promise<void> {
  while (!program.stdout().includes(text)) {
    if (!program.isRunning()) throw new Error(`ended without saying ${text}: ${JSON.stringify(await program.ended)}`);
    await delay(10);
  }
}

describe.skipIf(lacks('user-namespaces', 'overlay'))('kill -9 of a build that holds a locked cache mount', () => {
  it.each(['builder', 'everything'] as const)(
    '(%s) gives it to the build that waits, with what was in it, and nobody writes to it any more',
    async (victim) => {
      using bench = await openBench();
      const program = compile(bench);
      const mount = '--mount=type=cache,target=/c,sharing=locked,mode=0750,uid=3';
      const build = (command: string): Program =>
        startProgram([
          process.execPath,
          programPath,
          'build',
          '--store',
          bench.store,
          bench.context({
            program,
            Dockerfile: `FROM base\nCOPY --chmod=755 program /bin/beat\nRUN ${mount} ${command}\n`,
          }),
        ]);
      expect((await build('write /c/kept kept').ended).code).toBe(0);
      const holder = build('beat /c/count');
      await says(holder, 'under way');
      const family = descendantsOf(holder.pid);
      expect(family.length).toBeGreaterThan(2);
      const next = build('echo mine; cat /c/kept; cat /c/count; sleep 0.3; cat /c/count; stat /c');
      await delay(700);
      expect([next.isRunning(), next.stdout().includes('mine\n')]).toEqual([true, false]);

      if (victim === 'everything') for (const { pid } of family) tryKill(pid);
      holder.kill('SIGKILL');
      await holder.ended;
      const { code, stdout } = await next.ended;
      expect(code).toBe(0);
      const [, first, second] = /mine\nkept(\d{20})\n(\d{20})\nd 750 3:0 /.exec(stdout) ?? [];
      expect(Number(first)).toBeGreaterThan(0);
      expect(second).toBe(first);
      expect(await survivors(family)).toEqual([]);
      expect(await bench.audit()).toEqual([]);
      expect(await bench.leftAfterPrune('--all')).toEqual([]);
    },
  );
});

function tryKill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended with another.
  }
}
