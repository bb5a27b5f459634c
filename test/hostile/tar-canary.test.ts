import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { directory, file, hardlink, symlink } from '../../fixtures/layers/layer-case.ts';
import { tarOf } from '../../fixtures/layers/tar-bytes.ts';
import type { TarRecipe } from '../../fixtures/layers/tar-bytes.ts';
import { startRegistry } from '../helpers/registry.ts';
import type { TestRegistry } from '../helpers/registry.ts';
import { openWorkshop } from '../helpers/workshop.ts';
import type { Workshop } from '../helpers/workshop.ts';
import { closeWorkshop } from './leftovers.ts';
import { plantCanary, secret } from './canary.ts';
import type { Canary } from './canary.ts';
import { outcomeOf, routes } from './routes.ts';

/** Archives that lead to what really is there on this machine. */
const attacks: readonly {
  readonly title: string;
  readonly entries: (canary: Canary) => readonly TarRecipe[];
}[] = [
  { title: 'a climbing name', entries: ({ climbing }) => [named(`${climbing}/file`)] },
  { title: 'an absolute name', entries: ({ directory: at }) => [named(`${at}/file`)] },
  { title: 'a child of a symlink', entries: ({ directory: at }) => [link('l', at), file('l/file', 'over')] },
  { title: 'a child of a climbing symlink', entries: ({ climbing }) => [link('l', climbing), file('l/file', 'over')] },
  {
    title: 'a child of a chain of symlinks',
    entries: ({ directory: at }) => [link('a', at), symlink('b', 'a'), symlink('c', 'b'), file('c/file', 'over')],
  },
  {
    title: 'a file over a symlink to a file',
    entries: ({ directory: at }) => [link('l', `${at}/file`), file('l', 'over')],
  },
  {
    title: 'a directory over a symlink to a directory, with a mode',
    entries: ({ directory: at }) => [link('l', `${at}/empty`), directory('l', 0o777)],
  },
  { title: 'a hard link', entries: ({ directory: at }) => [hard('h', `${at}/file`)] },
  { title: 'a climbing hard link', entries: ({ climbing }) => [hard('h', `${climbing}/file`)] },
  {
    title: 'a hard link through a symlink',
    entries: ({ directory: at }) => [link('l', at), hardlink('h', 'l/file'), file('h', 'over')],
  },
  {
    title: 'a hard link to a symlink, written through',
    entries: ({ directory: at }) => [link('l', `${at}/file`), hardlink('h', 'l'), file('h', 'over')],
  },
  {
    title: 'attributes through a symlink',
    entries: ({ directory: at }) => [
      {
        ...link('l', `${at}/file`),
        mode: 0o777,
        uid: 1,
        gid: 1,
        pax: { linkpath: `${at}/file`, 'SCHILY.xattr.user.x': 'y' },
      },
    ],
  },
  {
    title: 'a whiteout through a symlink',
    entries: ({ directory: at }) => [link('l', at), file('l/.wh.file', '')],
  },
  {
    title: 'an opaque mark through a symlink',
    entries: ({ directory: at }) => [link('l', at), file('l/.wh..wh..opq', '')],
  },
  {
    title: 'a directory swapped for a symlink between its children',
    entries: ({ directory: at }) => [directory('d'), file('d/one'), link('d', at), file('d/file', 'over')],
  },
  {
    title: 'a symlink to /proc/self/root',
    entries: ({ directory: at }) => [symlink('l', '/proc/self/root'), named(`l${at}/file`)],
  },
  {
    title: 'a symlink to /proc/self/cwd',
    entries: ({ climbing }) => [symlink('l', '/proc/self/cwd'), file(`l/x`), named(`l/../${climbing}/file`)],
  },
  {
    title: 'the root as a symlink',
    entries: ({ directory: at }) => [link('.', at), file('file', 'over')],
  },
];

describe.each(routes)('an archive by way of $name', (route) => {
  let shop: Workshop;
  let registry: TestRegistry;
  beforeAll(async () => {
    shop = await openWorkshop();
    registry = await startRegistry();
  });
  afterAll(async () => {
    await registry[Symbol.asyncDispose]();
    await closeWorkshop(shop);
  });

  it.each(attacks)('with $title neither changes nor reads what is outside', async ({ entries }) => {
    using canary = plantCanary();
    const outcome = await outcomeOf(route.bring(shop, registry, tarOf(...entries(canary))));
    canary.expectUntouched();
    if (typeof outcome === 'string') expect(['TBUILD_ARCHIVE', 'TBUILD_IO']).toContain(outcome);
    else
      for (const { layer } of outcome.chain)
        expect(contentsBelow(shop.store.diffDirectory(layer))).not.toContain(secret);
  });
});

const named = (path: string): TarRecipe => ({ name: 'x', content: 'over', pax: { path } });
const link = (name: string, target: string): TarRecipe => ({ ...symlink(name, ''), pax: { linkpath: target } });
const hard = (name: string, target: string): TarRecipe => ({ ...hardlink(name, ''), pax: { linkpath: target } });

/** Of all regular files. A walk of its own: `recursive` of readdir follows symbolic links on Node 24. */
function contentsBelow(path: string): string {
  return readdirSync(path, { withFileTypes: true })
    .map((entry) => {
      const below = join(path, entry.name);
      if (entry.isDirectory()) return contentsBelow(below);
      return entry.isFile() ? readFileSync(below, 'utf8') : '';
    })
    .join('\n');
}
