import { statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openWorkshop } from '../../helpers/workshop.ts';
import type { Built, Workshop } from '../../helpers/workshop.ts';

describe('a COPY that runs again after one file changed', () => {
  let workshop: Workshop;
  beforeAll(async () => void (workshop = await openWorkshop()));
  afterAll(() => workshop[Symbol.asyncDispose]());

  const inode = ({ image }: Built, path: string): number => {
    const layer = image.chain.at(-1)?.layer ?? '';
    return statSync(join(workshop.store.diffDirectory(layer), path)).ino;
  };

  test('shares the other files with the layer of the last build, with their time there', async () => {
    const context = workshop.context({ Dockerfile: 'FROM scratch\nCOPY . /app/\n', a: 'one', b: 'two' });
    const first = await workshop.build(context);
    writeFileSync(join(context, 'a'), 'changed');
    utimesSync(join(context, 'b'), 1, 1);
    const second = await workshop.build(context);
    expect(inode(second, 'app/b')).toBe(inode(first, 'app/b'));
    expect(inode(second, 'app/a')).not.toBe(inode(first, 'app/a'));
    const layer = workshop.store.listing(second.image.chain.at(-1)?.layer ?? '');
    expect(layer.find('app/b')?.mtime).not.toBe(1);
    // What is shared must still be there when the layer that it came from is not.
    expect(layer.find('app/a')?.size).toBe(7);
  });

  test('shares nothing whose mode became another', async () => {
    const text = (mode: string): string => `FROM scratch\nCOPY --chmod=${mode} b /b\n`;
    const context = workshop.context({ Dockerfile: text('644'), b: 'two' });
    const first = await workshop.build(context);
    writeFileSync(join(context, 'Dockerfile'), text('600'));
    const second = await workshop.build(context);
    expect(inode(second, 'b')).not.toBe(inode(first, 'b'));
    const { mode } = statSync(join(workshop.store.diffDirectory(first.image.chain[0]?.layer ?? ''), 'b'));
    expect(mode & 0o777).toBe(0o644);
  });

  test('gives the same image as a build from nothing, under SOURCE_DATE_EPOCH', async () => {
    const files = { Dockerfile: 'FROM scratch\nCOPY . /app/\n', a: 'one', b: 'two' };
    const context = workshop.context(files);
    await workshop.build(context, { sourceDateEpoch: 1_000_000 });
    writeFileSync(join(context, 'a'), 'changed');
    const shared = await workshop.build(context, { sourceDateEpoch: 2_000_000 });
    const fresh = await workshop.build(workshop.context({ ...files, a: 'changed' }), {
      sourceDateEpoch: 2_000_000,
      noCache: true,
    });
    expect(shared.image.id).toBe(fresh.image.id);
  });
});
