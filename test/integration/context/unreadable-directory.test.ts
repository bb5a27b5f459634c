import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openContext } from '../../../src/context/open-context.ts';
import type { BuildContext } from '../../../src/context/open-context.ts';
import { loadAddon } from '../../../src/native/load.ts';
import type { NativeAddon } from '../../../src/native/addon.ts';
import { lacks } from '../../helpers/capabilities.ts';
import { encodeRecords, scanSlowly } from '../../unit/context/scan-records.ts';
import { makeTree } from './make-tree.ts';

const real = loadAddon();

/** A context whose directory `closed` may not be read, also where root runs the tests. */
function closedContext(ignore?: string): Promise<BuildContext> {
  const root = makeTree(['closed/', 'f', 'open/g']);
  const records = scanSlowly(root).flatMap((record) =>
    record.path === 'closed' ? [record, { path: 'closed/', mode: 0 }] : [record],
  );
  const addon: NativeAddon = { ...real, scanTree: () => Promise.resolve(encodeRecords(records)) };
  if (ignore !== undefined) writeFileSync(join(root, '.dockerignore'), ignore);
  return openContext({ root, addon });
}

describe('a directory of the context that may not be read', () => {
  test.each(['f', 'open', 'open/*', 'f*'])('does not disturb a step that takes %s', async (source) => {
    const context = await closedContext();
    expect((await context.select([source])).items).toHaveLength(1);
  });

  test.each(['.', 'closed', 'closed/', 'closed/x', 'closed/x/y', 'closed/*', '*/g', '*'])(
    'fails a step that takes %s',
    async (source) => {
      const context = await closedContext();
      await expect(context.digest([source])).rejects.toMatchObject({
        code: 'TBUILD_CONTEXT',
        message: 'no permission to read the directory closed in the build context',
      });
    },
  );

  test.each(['closed', 'clo*', 'closed/*', '**/closed'])('is left out by the ignore rule %s', async (rule) => {
    const context = await closedContext(rule);
    const { items } = await context.select(['.']);
    expect(items[0]?.entries.map(({ path }) => path)).toEqual(expect.arrayContaining(['f', 'open/g']));
  });

  test('is not taken for empty when a rule excludes only some of what may be in it', async () => {
    const context = await closedContext('closed/*.log');
    await expect(context.select(['.'])).rejects.toMatchObject({ code: 'TBUILD_CONTEXT' });
  });

  test.skipIf(lacks('ordinary-user'))('is found by the native scan', async () => {
    const root = makeTree(['closed/secret', 'f']);
    chmodSync(join(root, 'closed'), 0);
    onTestFinished(() => chmodSync(join(root, 'closed'), 0o700));
    const context = await openContext({ root, addon: real });
    expect((await context.select(['f'])).items).toHaveLength(1);
    await expect(context.select(['closed'])).rejects.toMatchObject({ code: 'TBUILD_CONTEXT' });
  });
});
