import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { build, openStore, prune } from '../../../src/index.ts';
import { lacks } from '../../helpers/capabilities.ts';
import { startProgram, programPath, tbuild } from '../../helpers/program.ts';
import { openWorkshop } from '../../helpers/workshop.ts';
import { application, applicationOutput, openBench } from './bench.ts';

describe.skipIf(lacks('user-namespaces', 'overlay'))('builds in one store', () => {
  it('two at once of the same application, with prune and prune --all beside them, are both right', async () => {
    using bench = await openBench();
    const { context, change } = application(bench, 'app');
    for (let round = 0; round < 2; round++) {
      change(round);
      const builds = ['one', 'two'].map((tag) =>
        startProgram([process.execPath, programPath, '--store', bench.store, '-t', tag, context]),
      );
      let prunes = 0;
      while (builds.some((each) => each.isRunning())) {
        const options = prunes++ % 2 === 0 ? ['--all'] : [];
        const { code, stderr } = await tbuild('prune', '--store', bench.store, ...options);
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      }
      expect(prunes).toBeGreaterThan(0);
      for (const { ended } of builds) {
        const { code, stderr } = await ended;
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      }
      for (const tag of ['one', 'two']) {
        const { stdout, stderr } = await tbuild('run', '--store', bench.store, '--rm', tag);
        expect({ stdout, stderr }).toEqual({ stdout: applicationOutput('app', round), stderr: '' });
      }
    }
    expect(await bench.audit()).toEqual([]);
    expect(await bench.leftAfterPrune('--all')).toEqual([]);
    expect(await bench.audit()).toEqual([]);
  });

  it('two at once in one process, on one store handle, are both right', async () => {
    await using shop = await openWorkshop();
    const context = shop.context({
      Dockerfile: 'FROM base\nCOPY f /f\nRUN sleep 0.1; cat /f > /g\nRUN echo end >> /g\n',
      f: 'content',
    });
    const images = await Promise.all([
      shop.build(context),
      shop.build(context, { noCache: true }),
      shop.build(context),
    ]);
    for (const { image } of images) expect((await shop.run(image.id, ['cat', '/g'])).output).toBe('contentend\n');
  });

  it('keep what they have made so far and the base they stand on, whatever prune --all finds', async () => {
    await using shop = await openWorkshop();
    const { root } = shop.store;
    const context = shop.context({
      Dockerfile: 'FROM base\nCOPY f /f\nRUN echo one > /one\nRUN echo under way; sleep 1\nRUN cat /f /one > /both\n',
      f: 'content',
    });
    const running = build({ context, storeRoot: root });
    const outcomes: string[] = [];
    let kept: readonly string[] | undefined;
    for await (const event of running) {
      if (event.type === 'step:done') outcomes.push(event.outcome);
      if (event.type !== 'step:log' || !Buffer.from(event.chunk).includes('under way')) continue;
      // Nothing but the running build's lease speaks for them now.
      await shop.store.untag('base');
      const before = readdirSync(join(root, 'layers'));
      const gone = await prune({ storeRoot: root, all: true });
      expect(gone.layers).toEqual([]);
      kept = readdirSync(join(root, 'layers'));
      expect(kept).toEqual(before);
    }
    const { image } = await running.result;
    expect(outcomes).toEqual(['base', 'executed', 'executed', 'executed', 'executed']);
    expect((await shop.run(image.id, ['cat', '/both'])).output).toBe('contentone\n');
    expect(kept).toHaveLength(3);
  });

  it('lose their claim when they are done: prune --all then takes what no name holds', async () => {
    await using shop = await openWorkshop();
    const { root } = shop.store;
    const context = shop.context({ Dockerfile: 'FROM base\nRUN echo one > /one\n' });
    await build({ context, storeRoot: root }).result;
    const layers = readdirSync(join(root, 'layers'));
    await using other = await openStore({ root });
    expect((await other.prune({ all: true })).layers).toHaveLength(1);
    expect(layers.length - readdirSync(join(root, 'layers')).length).toBe(1);
  });
});
