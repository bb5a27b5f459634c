import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, rmdirSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { build, isTbuildError } from '../../../src/index.ts';
import type { BuildResult } from '../../../src/index.ts';
import { lacks } from '../../helpers/capabilities.ts';
import { tbuild } from '../../helpers/program.ts';
import { openBench } from './bench.ts';
import type { Bench } from './bench.ts';

const sizeMb = 24;

describe.skipIf(lacks('root', 'overlay'))('a build on a disk that becomes full', () => {
  let disk: string;
  let bench: Bench;
  beforeEach(async () => {
    disk = mkdtempSync(join(tmpdir(), 'tbuild-build-full-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMb}m,mode=755`, 'tmpfs', disk]);
    bench = await openBench(disk);
  });
  afterEach(() => {
    // Fails while a file or mount of the store is in use.
    execFileSync('umount', [disk]);
    rmdirSync(disk);
  });

  const filler = (): string => join(disk, 'filler');
  /** Leaves about so many bytes. */
  function fillBut(left: number): void {
    rmSync(filler(), { force: true });
    const { bavail, bsize } = statfsSync(disk);
    writeFileSync(filler(), Buffer.alloc(Math.max(0, bavail * bsize - left)));
  }
  const run = (context: string): Promise<BuildResult> =>
    build({ context, storeRoot: bench.store, tags: ['app'] }).result;

  it('in COPY fails with TBUILD_IO, the place and what to do, and leaves the store whole', async () => {
    const outside = mkdtempSync(join(tmpdir(), 'tbuild-build-full-context-'));
    writeFileSync(join(outside, 'big'), Buffer.alloc((sizeMb + 1) * 1024 * 1024, 'x'));
    writeFileSync(join(outside, 'Dockerfile'), 'FROM base\nRUN echo a > /a\nCOPY big /big\n');
    await expect(run(outside)).rejects.toMatchObject({
      code: 'TBUILD_IO',
      details: { errno: 'ENOSPC' },
      span: { line: 3 },
      hint: expect.stringContaining('tbuild prune'),
    });
    expect(await bench.audit()).toEqual([]);
    writeFileSync(join(outside, 'big'), 'small now');
    expect(await run(outside)).toMatchObject({ cached: 1, executed: 1 });
    rmSync(outside, { recursive: true });
    expect(await bench.audit()).toEqual([]);
    expect(await bench.leftAfterPrune()).toEqual([]);
  });

  it('in RUN fails as the command does, and leaves the store whole', async () => {
    const context = bench.context({ Dockerfile: `FROM base\nRUN fill /big ${(sizeMb + 1) * 1024 * 1024}\n` });
    await expect(run(context)).rejects.toMatchObject({
      code: 'TBUILD_RUN_FAILED',
      details: { output: expect.stringContaining('No space left on device') },
    });
    expect(await bench.audit()).toEqual([]);
    expect(await bench.leftAfterPrune()).toEqual([]);
    writeFileSync(join(context, 'Dockerfile'), 'FROM base\nRUN fill /big 1000\n');
    expect(await run(context)).toMatchObject({ executed: 1 });
  });

  it('wherever that happens fails with a code or succeeds, never shows half of anything, and later goes on', async () => {
    const codes = new Set<string>();
    let round = 0;
    for (const left of [0, 24_000, 100_000, 160_000, 180_000, 190_000, 200_000, 210_000, 220_000, 240_000, 500_000]) {
      const context = bench.context({
        Dockerfile: 'FROM base\nWORKDIR /app\nCOPY . .\nRUN fill big 50000; write small 1\nCMD ["cat", "/app/name"]\n',
        name: String(round),
        ...Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`f${index}`, 'x'.repeat(index * 300)])),
      });
      round += 1;
      fillBut(left);
      const outcome: unknown = await run(context).then(
        () => 'built',
        (error: unknown) => error,
      );
      if (outcome !== 'built' && !isTbuildError(outcome)) throw outcome;
      codes.add(isTbuildError(outcome) ? outcome.code : 'built');
      rmSync(filler());
      expect(await bench.audit()).toEqual([]);
      if (outcome === 'built') break;
      await run(context);
    }
    expect([...codes].toSorted()).toEqual(expect.arrayContaining(['TBUILD_IO', 'built']));
    expect(
      [...codes].filter((code) => !['TBUILD_IO', 'TBUILD_RUN_FAILED', 'TBUILD_SANDBOX_SETUP', 'built'].includes(code)),
    ).toEqual([]);
    expect(await tbuild('run', '--store', bench.store, '--rm', 'app')).toMatchObject({
      code: 0,
      stdout: String(round - 1),
    });
    expect(await bench.leftAfterPrune('--all')).toEqual([]);
  });
});
