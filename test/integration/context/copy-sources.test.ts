import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openContext } from '../../../src/context/open-context.ts';
import type { SelectedEntry, Selection } from '../../../src/context/selection.ts';
import { isTbuildError } from '../../../src/errors.ts';
import { loadAddon } from '../../../src/native/load.ts';
import { copyCases, copyTrees } from './docker-copy-cases.ts';
import { excludeCases, excludeTree } from './docker-exclude-cases.ts';
import { parentsCases } from './parents-cases.ts';
import { makeTree } from './make-tree.ts';

const addon = loadAddon();

/** Copies into an empty /x/, as docker's `COPY … /x/`, and lists that in the order of a walk. */
function listCopied(root: string, selection: Selection): string[] {
  const copied = new Map<string, string>();
  for (const item of selection.items) {
    for (const entry of item.entries) {
      if (entry.type === 'directory' && entry.path === '') continue;
      const path = entry.path === '' ? item.name : entry.path;
      copied.set(path, lineOf(root, path, entry));
    }
  }
  const walkOrder = (path: string): Buffer => Buffer.from(path.replaceAll('/', '\0'));
  return [...copied].sort(([left], [right]) => walkOrder(left).compare(walkOrder(right))).map(([, line]) => line);
}

function lineOf(root: string, path: string, entry: SelectedEntry): string {
  const mode = entry.mode.toString(8);
  if (entry.type === 'directory') return `d ${mode} x/${path}`;
  if (entry.type === 'symlink') return `l 777 x/${path} -> ${entry.link}`;
  if (entry.type !== 'file') throw new Error(`unexpected ${entry.type}`);
  if (entry.hardlink !== undefined) return `h ${mode} x/${path} -> x/${entry.hardlink}`;
  const content = readFileSync(join(root, entry.contextPath), 'utf8');
  return `f ${mode} x/${path}${content === path ? '' : ` : ${content}`}`;
}

describe('as docker build', () => {
  test.each(copyCases)('%s %j: COPY %j /x/', async (tree, ignore, sources, outcome) => {
    const root = makeTree(copyTrees[tree]);
    if (ignore !== '') writeFileSync(join(root, '.dockerignore'), ignore);
    const context = await openContext({ root, addon });
    const selecting = context.select(sources);
    if (typeof outcome === 'string') {
      const error: unknown = await selecting.then(
        () => undefined,
        (reason: unknown) => reason,
      );
      const code = outcome === 'malformed' ? 'TBUILD_DOCKERFILE_SYNTAX' : 'TBUILD_SOURCE_NOT_FOUND';
      expect(isTbuildError(error, code), String(error)).toBe(true);
      return;
    }
    const lines = listCopied(root, await selecting).filter((line) => !line.includes('x/.dockerignore'));
    expect(lines).toEqual(outcome.filter((line) => !line.includes('x/.dockerignore')));
  });
});

/** Paths below the destination, directories with a slash at the end. */
function listPaths({ items }: Selection): string[] {
  const paths = items.flatMap(({ name, entries }) =>
    entries.map(({ path, type }) => {
      const copied = path === '' && type !== 'directory' ? name : path;
      return type === 'directory' && path !== '' ? `${copied}/` : copied;
    }),
  );
  return [...new Set(paths)].filter((path) => path !== '').toSorted();
}

describe('--exclude, as docker build', () => {
  test.each(excludeCases)('%j of %j', async (exclude, sources, outcome) => {
    const context = await openContext({ root: makeTree(excludeTree), addon });
    const selecting = context.select(sources, { exclude });
    if (outcome === 'malformed') {
      await expect(selecting).rejects.toMatchObject({ code: 'TBUILD_DOCKERFILE_SYNTAX' });
    } else expect(listPaths(await selecting)).toEqual([...outcome].toSorted());
  });

  test('what is left out is neither read nor in the digest', async () => {
    const root = makeTree(excludeTree);
    const digest = async (): Promise<string> =>
      (await (await openContext({ root, addon })).digest(['a'], { exclude: ['**/*.txt'] })).digest;
    const before = await digest();
    writeFileSync(join(root, 'a/b/f.txt'), 'changed');
    expect(await digest()).toBe(before);
    writeFileSync(join(root, 'a/b/g.md'), 'changed');
    expect(await digest()).not.toBe(before);
  });
});

describe('--parents', () => {
  test.each(parentsCases.map(([sources, outcome, exclude = []]) => ({ sources, outcome, exclude })))(
    '$sources without $exclude',
    async ({ sources, outcome, exclude }) => {
      const context = await openContext({ root: makeTree(excludeTree), addon });
      const selecting = context.select(sources, { parents: true, exclude });
      if (typeof outcome === 'string') {
        await expect(selecting).rejects.toMatchObject({
          code: 'TBUILD_SOURCE_NOT_FOUND',
          message: expect.stringContaining(outcome) as string,
        });
      } else expect(listPaths(await selecting)).toEqual([...outcome].toSorted());
    },
  );
});
