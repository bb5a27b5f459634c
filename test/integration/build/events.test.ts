import { readFileSync, rmSync, statSync } from 'node:fs';
import { truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { build } from '../../../src/index.ts';
import type { BuildEvent, PlannedOutput } from '../../../src/index.ts';
import { lacks } from '../../helpers/capabilities.ts';
import { openWorkshop } from '../../helpers/workshop.ts';
import type { Workshop } from '../../helpers/workshop.ts';

let workshop: Workshop;
beforeAll(async () => {
  workshop = await openWorkshop();
});
afterAll(() => workshop[Symbol.asyncDispose]());

type Of<Type extends BuildEvent['type']> = Extract<BuildEvent, { readonly type: Type }>;

function only<Type extends BuildEvent['type']>(events: readonly BuildEvent[], type: Type): Of<Type>[] {
  return events.filter((event): event is Of<Type> => event.type === type);
}

describe.skipIf(lacks('user-namespaces', 'overlay'))('what a build reports', () => {
  test('of cached steps how long they took when they ran: the sum is what was saved', async () => {
    const context = workshop.context({ Dockerfile: 'FROM base\nRUN sleep 0.3\nENV A=1\n' });
    const first = await workshop.build(context);
    expect(first.savedMs).toBe(0);
    expect(only(first.events, 'step:done').map(({ savedMs }) => savedMs)).toEqual([0, 0, 0]);
    const second = await workshop.build(context);
    const saved = only(second.events, 'step:done').map(({ savedMs }) => savedMs);
    expect(saved).toEqual([0, expect.any(Number), 0]);
    expect(saved[1]).toBeGreaterThan(300);
    expect(second.savedMs).toBe(saved[1]);
  });

  test('of a large COPY, and of a large layer that RUN left, the bytes on the way', async () => {
    const context = workshop.context({
      Dockerfile: 'FROM base\nCOPY big /big\nRUN cat /big > /copy\n',
      big: '',
    });
    // Takes several times the tenth of a second in which nothing is told, on any disk.
    const size = 600_000_000;
    await truncate(join(context, 'big'), size);
    const { events } = await workshop.build(context);
    rmSync(join(context, 'big'));
    const progress = only(events, 'step:progress');
    const files = progress.filter(({ label }) => label === 'files');
    const layer = progress.filter(({ label }) => label === 'layer');
    expect(new Set(files.map(({ total }) => total))).toEqual(new Set([size]));
    expect(new Set(layer.map(({ total }) => total))).toEqual(new Set([undefined]));
    for (const bytes of [files, layer].map((events) => events.map(({ current }) => current))) {
      expect(bytes).not.toEqual([]);
      expect(bytes).toEqual(bytes.toSorted((a, b) => a - b));
    }
    expect(Math.max(...files.map(({ current }) => current))).toBeLessThanOrEqual(size);
    expect(Math.max(...layer.map(({ current }) => current))).toBeLessThanOrEqual(size);
  });

  test('of outputs: each begins, is counted and ends with its size, before the image has its name', async () => {
    const context = workshop.context({ Dockerfile: 'FROM base\nCOPY a /a\n', a: 'x'.repeat(10_000) });
    const at = (name: string): string => join(workshop.directory, name);
    const stream = new PassThrough();
    const read = buffer(stream);
    const { events, image } = await workshop.build(context, {
      outputs: [
        { type: 'oci', destination: at('events.oci') },
        { type: 'tar', destination: stream },
        { type: 'local', destination: at('events-local') },
      ],
    });
    const planned: readonly PlannedOutput[] = [
      { number: 1, total: 3, type: 'oci', destination: at('events.oci') },
      { number: 2, total: 3, type: 'tar', destination: undefined },
      { number: 3, total: 3, type: 'local', destination: at('events-local') },
    ];
    const sizes = [statSync(at('events.oci')).size, (await read).length, image.size];
    expect(only(events, 'output:start').map(({ output }) => output)).toEqual(planned);
    expect(only(events, 'output:done').map(({ output, size }) => ({ output, size }))).toEqual(
      planned.map((output, index) => ({ output, size: sizes[index] })),
    );
    const archives = only(events, 'output:progress').filter(({ label }) => label === 'archive');
    expect(new Set(archives.map(({ output }) => output.number))).toEqual(new Set([1, 2]));
    for (const { current, total } of archives) expect(current).toBeLessThanOrEqual(total ?? 0);
    const [native] = image.chain.slice(-1);
    expect(only(events, 'output:progress')).toContainEqual(
      expect.objectContaining({ output: planned[0], label: native?.diffId }),
    );
    expect(events.at(-1)?.type).toBe('image');
    expect(readFileSync(at('events-local/a'), 'utf8')).toHaveLength(10_000);
  });

  test('to a slow reader: all output in order, because the command waits', async () => {
    const context = workshop.context({ Dockerfile: 'FROM base\nRUN fill /dev/stdout 20971520\n' });
    const building = build({ context, store: workshop.store });
    let bytes = 0;
    let waited = 0;
    const codes: string[] = [];
    for await (const event of building) {
      if (event.type === 'warning') codes.push(event.code);
      if (event.type !== 'step:log') continue;
      bytes += event.chunk.length;
      if (bytes < waited + 1_000_000) continue;
      waited = bytes;
      await delay(30);
    }
    expect({ bytes, codes }).toEqual({ bytes: 20 * 1024 * 1024, codes: [] });
  });

  test('an abort ends a build whose reader has stopped reading', async () => {
    const context = workshop.context({ Dockerfile: 'FROM base\nRUN fill /dev/stdout 20971520; sleep 60\n' });
    const abort = new AbortController();
    const building = build({ context, store: workshop.store, signal: abort.signal });
    const reader = building[Symbol.asyncIterator]();
    for (;;) {
      const { value } = (await reader.next()) as { value: BuildEvent };
      if (value.type === 'step:log') break;
    }
    await delay(300);
    abort.abort(new Error('enough'));
    await expect(building.result).rejects.toThrow('enough');
  });
});
