import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { build } from '../../../src/index.ts';
import type { Build, BuildEvent } from '../../../src/index.ts';
import { lacks } from '../../helpers/capabilities.ts';
import { descendantsOf, helpersOf, mountsAnywhereBelow, survivors } from '../../helpers/processes.ts';
import type { ProcessEntry } from '../../helpers/processes.ts';
import { startProgram } from '../../helpers/program.ts';
import { openWorkshop } from '../../helpers/workshop.ts';
import type { Workshop } from '../../helpers/workshop.ts';

const endless = 'FROM base\nCOPY a /a\nRUN mkdir /d; fill /d/f 100000; echo under way; sleep 600\n';
const quick = 'FROM base\nCOPY a /a\nRUN cat /a > /b\n';

/** Resolves when the command of the endless build runs. */
async function isUnderWay(events: AsyncIterable<BuildEvent>): Promise<void> {
  for await (const event of events) {
    if (event.type === 'step:log' && Buffer.from(event.chunk).includes('under way')) return;
  }
  throw new Error('the build ended before its command ran');
}

/** Starts the endless build, without a reader of its events, and waits until its command runs. */
async function startEndless(
  shop: Workshop,
  signal?: AbortSignal,
): Promise<{ running: Build; family: readonly ProcessEntry[] }> {
  const running = build({ context: shop.context({ Dockerfile: endless, a: 'a' }), store: shop.store, signal });
  running.result.catch(() => undefined);
  for (;;) {
    const family = descendantsOf(process.pid);
    if (
      family.some(
        ({ parent, name }) => name === 'sh' && family.some((each) => each.pid === parent && each.name === 'sh'),
      )
    ) {
      return { running, family: family.filter((each) => isSandboxed(each, family)) };
    }
    await delay(5);
  }
}

/** Workers of the helper and what they started; the helper itself lives as long as the store. */
function isSandboxed({ parent }: ProcessEntry, family: readonly ProcessEntry[]): boolean {
  return family.some(({ pid, name }) => pid === parent && /^(tbuild-|sh$)/.test(name));
}

/** What of the store is in flight. The store handle's own directory stays as long as the handle. */
function inFlight({ store }: Workshop): readonly string[] {
  const tmp = join(store.root, 'tmp');
  return readdirSync(tmp).flatMap((session) => readdirSync(join(tmp, session)).map((name) => join(session, name)));
}

async function expectAllWell(shop: Workshop, family: readonly ProcessEntry[]): Promise<void> {
  expect(await survivors(family)).toEqual([]);
  expect(inFlight(shop)).toEqual([]);
  expect(mountsAnywhereBelow(shop.directory)).toEqual([]);
  const { image } = await shop.build(shop.context({ Dockerfile: quick, a: 'next' }));
  expect(await shop.run(image.id, ['cat', '/b'])).toEqual({ exitCode: 0, output: 'next' });
}

describe.skipIf(lacks('user-namespaces', 'overlay'))('a library call that is cut short', () => {
  it('fails with TBUILD_HELPER when the helper is killed, and the next one with the same store succeeds', async () => {
    await using shop = await openWorkshop();
    const { running, family } = await startEndless(shop);
    const [helper] = helpersOf(process.pid);
    process.kill(helper?.pid ?? 0, 'SIGKILL');
    await expect(running.result).rejects.toMatchObject({
      code: 'TBUILD_HELPER',
      message: 'the helper ended during run',
      hint: expect.stringContaining('run again'),
      span: { line: 3 },
      details: { operation: 'run' },
    });
    await expectAllWell(shop, family);
  });

  it('fails with TBUILD_HELPER when the worker is killed, and the sandbox dies with it', async () => {
    await using shop = await openWorkshop();
    const { running, family } = await startEndless(shop);
    const worker = family.find(({ name }) => name === 'tbuild-helper');
    process.kill(worker?.pid ?? 0, 'SIGKILL');
    await expect(running.result).rejects.toMatchObject({ code: 'TBUILD_HELPER', span: { line: 3 } });
    await expectAllWell(shop, family);
  });

  it('goes on with another helper when the first was killed while it had nothing to do', async () => {
    await using shop = await openWorkshop();
    await shop.build(shop.context({ Dockerfile: quick, a: 'first' }));
    const [helper] = helpersOf(process.pid);
    process.kill(helper?.pid ?? 0, 'SIGKILL');
    expect(await survivors(helper === undefined ? [] : [helper])).toEqual([]);
    await expectAllWell(shop, []);
  });

  it('rejects with the reason of its signal, when nothing of it is left', async () => {
    await using shop = await openWorkshop();
    const abort = new AbortController();
    const { running, family } = await startEndless(shop, abort.signal);
    const reason = new Error('enough');
    abort.abort(reason);
    await expect(running.result).rejects.toBe(reason);
    expect(await survivors(family, 0)).toEqual([]);
    expect(inFlight(shop)).toEqual([]);
    await expectAllWell(shop, family);
  });

  it('is aborted at any moment without leaving anything', async () => {
    await using shop = await openWorkshop();
    for (let delayMs = 0; delayMs < 120; delayMs += 12) {
      const signal = AbortSignal.timeout(delayMs);
      const context = shop.context({ Dockerfile: endless, a: String(delayMs) });
      const { result } = build({ context, store: shop.store, signal });
      await expect(result).rejects.toMatchObject({ name: 'TimeoutError' });
      expect(inFlight(shop)).toEqual([]);
    }
    await expectAllWell(shop, []);
  });

  it('ends with the loop that reads its events', async () => {
    await using shop = await openWorkshop();
    const running = build({ context: shop.context({ Dockerfile: endless, a: 'a' }), store: shop.store });
    let family: readonly ProcessEntry[] = [];
    for await (const event of running) {
      if (event.type !== 'step:log') continue;
      family = descendantsOf(process.pid).filter(({ name }) => name === 'sh' || name === 'tbuild-init');
      break;
    }
    expect(family.length).toBeGreaterThan(1);
    expect(await survivors(family, 0)).toEqual([]);
    expect(inFlight(shop)).toEqual([]);
    await expect(running.result).rejects.toMatchObject({
      code: 'TBUILD_USAGE',
      message: expect.stringContaining('abandoned'),
    });
    await expectAllWell(shop, family);
  });

  it('ends when it is disposed', async () => {
    await using shop = await openWorkshop();
    {
      await using running = build({ context: shop.context({ Dockerfile: endless, a: 'a' }), store: shop.store });
      await isUnderWay(running);
    }
    expect(inFlight(shop)).toEqual([]);
    await expectAllWell(shop, []);
  });

  it('does not hide what failed when its worker was killed while others were at work', async () => {
    await using shop = await openWorkshop();
    const context = shop.context({
      Dockerfile:
        'FROM base AS a\nRUN echo under way; sleep 600\nFROM base AS b\nRUN sleep 0.1; false\nFROM base\nCOPY --from=a / /\nCOPY --from=b / /\n',
    });
    const { result } = build({ context, store: shop.store });
    await expect(result).rejects.toMatchObject({ code: 'TBUILD_RUN_FAILED', span: { line: 4 } });
    expect(inFlight(shop)).toEqual([]);
  });
});

describe.skipIf(lacks('user-namespaces', 'overlay'))('a process that uses the library', () => {
  it('has no more open descriptors after 50 builds than after the first', async () => {
    await using shop = await openWorkshop();
    const descriptors = (): number => readdirSync('/proc/self/fd').length;
    const context = shop.context({ Dockerfile: quick, a: 'a' });
    const storeRoot = shop.store.root;
    const once = async (round: number): Promise<void> => {
      writeFileSync(join(context, 'a'), String(round % 10));
      await build({ context, ...(round % 2 === 0 ? { store: shop.store } : { storeRoot }) }).result;
    };
    for (const round of [0, 1]) await once(round);
    const before = descriptors();
    for (let round = 2; round < 52; round++) await once(round);
    // The runtime itself opens and closes some, of sockets that are on their way out.
    await expect.poll(descriptors, { timeout: 5000 }).toBeLessThanOrEqual(before);
    expect(helpersOf(process.pid)).toHaveLength(1);
  });

  const library = fileURLToPath(new URL('../../../dist/index.js', import.meta.url));

  it('ends by itself though it never closed its store, and its helper with it', async () => {
    await using shop = await openWorkshop();
    const context = shop.context({ Dockerfile: quick, a: 'a' });
    const script = `
      import { build, openStore } from ${JSON.stringify(library)};
      import { readFileSync } from 'node:fs';
      const store = await openStore({ root: ${JSON.stringify(shop.store.root)} });
      const { executed } = await build({ context: ${JSON.stringify(context)}, store }).result;
      const children = readFileSync('/proc/self/task/' + process.pid + '/children', 'utf8').trim();
      console.log(JSON.stringify({ executed, helper: Number(children) }));
    `;
    const program = startProgram([process.execPath, '--input-type=module', '--eval', script]);
    const seen = descendantsOf(program.pid);
    const { code, stdout, stderr } = await program.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { executed, helper } = JSON.parse(stdout) as { executed: number; helper: number };
    expect(executed).toBe(2);
    expect(await survivors(seen)).toEqual([]);
    await expect.poll(() => existsSync(`/proc/${helper}/exe`), { timeout: 10_000 }).toBe(false);
    expect((await shop.store.prune()).layers).toEqual([]);
  });

  it('takes its sandboxes along when it exits in the middle of a build', async () => {
    await using shop = await openWorkshop();
    const context = shop.context({ Dockerfile: endless, a: 'a' });
    const script = `
      import { build } from ${JSON.stringify(library)};
      for await (const event of build({ context: ${JSON.stringify(context)}, storeRoot: ${JSON.stringify(shop.store.root)} }))
        if (event.type === 'step:log') { console.log('ready'); setTimeout(() => process.exit(7), 300); }
    `;
    const program = startProgram([process.execPath, '--input-type=module', '--eval', script]);
    await expect.poll(() => program.stdout(), { timeout: 30_000 }).toContain('ready');
    const family = descendantsOf(program.pid);
    expect(family.filter(({ name }) => name === 'tbuild-init')).toHaveLength(1);
    expect((await program.ended).code).toBe(7);
    expect(await survivors(family)).toEqual([]);
    await shop.store.prune();
    expect(inFlight(shop)).toEqual([]);
  });
});
