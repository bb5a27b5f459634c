import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { isTbuildError } from '../../../src/index.ts';
import { auditStore } from '../../helpers/audit-store.ts';
import { lacks } from '../../helpers/capabilities.ts';
import { openWorkshop } from '../../helpers/workshop.ts';
import type { Built, Workshop } from '../../helpers/workshop.ts';

/** Somebody who writes into a context as fast as can be until disposed. */
function startWriter(directory: string, kind: 'contents' | 'names'): AsyncDisposable {
  const worker = new Worker(fileURLToPath(new URL('writer.mjs', import.meta.url)), { workerData: { directory, kind } });
  return {
    async [Symbol.asyncDispose]() {
      await worker.terminate();
    },
  };
}

const copyAll = 'FROM base\nCOPY . /c/\n';
const files = Object.fromEntries([
  ...Array.from({ length: 40 }, (_, index) => [`same-size-${index}`, 'x'.repeat(1000)]),
  ...Array.from({ length: 40 }, (_, index) => [`grows-${index}`, '']),
  ...Array.from({ length: 20 }, (_, index) => [`replaced-${index}`, 'first']),
  ['large', 'y'.repeat(3_000_000)],
]) as Record<string, string>;

function copiedLayer({ image }: Built): string {
  return image.chain.at(-1)?.layer ?? '';
}

/**
 * The layer's files, laid out as a context that nobody writes to: its COPY must find the layer under its key, which is a digest of the contents.
 */
async function rebuildQuietly(shop: Workshop, built: Built, name: string): Promise<Built> {
  const quiet = shop.context({ Dockerfile: copyAll, '.dockerignore': 'Dockerfile\n.dockerignore\n' });
  const target = join(shop.directory, name);
  cpSync(quiet, target, { recursive: true });
  cpSync(join(shop.store.diffDirectory(copiedLayer(built)), 'c'), target, {
    recursive: true,
    preserveTimestamps: true,
    mode: 0,
  });
  rmSync(quiet, { recursive: true });
  return shop.build(target);
}

describe.skipIf(lacks('user-namespaces', 'overlay'))('a context that somebody writes to while it is built', () => {
  it('never has a wrong content under a digest, in the layer or in the key', async () => {
    await using shop = await openWorkshop();
    const context = shop.context({ Dockerfile: copyAll, '.dockerignore': 'Dockerfile\n.dockerignore\n', ...files });
    const states = new Set<string>();
    let executed = 0;
    const builds: Built[] = [];
    {
      await using _writer = startWriter(context, 'contents');
      for (let round = 0; round < 12; round++) {
        const built = await shop.build(context);
        builds.push(built);
        executed += built.executed;
        states.add(copiedLayer(built));
      }
    }
    expect(executed).toBeGreaterThan(5);
    expect(states.size).toBeGreaterThan(5);
    expect(await auditStore(shop.store)).toEqual([]);
    for (const [index, built] of builds.entries()) {
      const again = await rebuildQuietly(shop, built, `quiet-${index}`);
      expect(again.outcomes['COPY . /c/']).toBe('cached');
      expect(again.image.chain.at(-1)?.state).toBe(built.image.chain.at(-1)?.state);
    }
    // And what is there in the end is what a build makes of it now, whatever was learned about the files meanwhile.
    const last = await shop.build(context);
    const diff = join(shop.store.diffDirectory(copiedLayer(last)), 'c');
    for (const name of readdirSync(diff))
      expect(readFileSync(join(diff, name)).equals(readFileSync(join(context, name)))).toBe(true);
  });

  it('in which files come and go is built as it was at some time, or refused as one that changed', async () => {
    await using shop = await openWorkshop();
    const context = shop.context({ Dockerfile: copyAll, '.dockerignore': 'Dockerfile\n.dockerignore\n' });
    mkdirSync(join(context, 'd'));
    let built = 0;
    {
      await using _writer = startWriter(context, 'names');
      for (let round = 0; round < 25; round++) {
        const outcome: unknown = await shop.build(context).catch((error: unknown) => error);
        if (outcome instanceof Error) {
          expect(outcome).toMatchObject({
            code: 'TBUILD_CONTEXT',
            message: expect.stringContaining('changed while it was read'),
          });
          expect(isTbuildError(outcome, 'TBUILD_CONTEXT')).toBe(true);
        } else {
          built += 1;
        }
      }
    }
    expect(await auditStore(shop.store)).toEqual([]);
    await shop.build(context);
    expect(built).toBeLessThanOrEqual(25);
  });
});
