import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseChmod } from '../../../../src/dockerfile/chmod-mode.ts';
import { planAdd } from '../../../../src/build/transfer/plan-add.ts';
import type { CopyPlan } from '../../../../src/build/transfer/plan-copy.ts';
import type { SourceItem } from '../../../../src/build/transfer/source.ts';
import { writeTar } from '../../../../src/demo/tar-writer.ts';
import type { TarEntry } from '../../../../src/demo/tar-writer.ts';
import type { WriteEntry } from '../../../../src/native/helper-types.ts';
import type { LayerSpec } from '../../../helpers/temp-store.ts';
import { directory as dir, file, item, link, readerOf } from './state.ts';

let root: string;
const neverAsked = { read: () => Promise.reject(new Error('the helper was asked')) };
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tbuild-add-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const tar = (entries: readonly TarEntry[]): Buffer => Buffer.concat([...writeTar(entries)]);
const small = tar([
  { path: 'd', mode: 0o700 },
  { path: 'd/f', mode: 0o600, content: Buffer.from('hello') },
]);

function source(name: string, bytes: Buffer): SourceItem {
  writeFileSync(join(root, name), bytes);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return item(name, file('', { content: { kind: 'copy', source: 0, path: name, sha256 } }));
}

interface Added {
  readonly plan: CopyPlan;
  readonly entries: readonly WriteEntry[];
}

async function add(
  state: LayerSpec,
  items: readonly SourceItem[],
  destination: string,
  owner?: { uid: number; gid: number },
): Promise<Added> {
  const plan = planAdd(
    {
      items,
      destination,
      ownership: { owner, chmod: parseChmod('777') },
      roots: [root],
      unpack: true,
      helper: neverAsked,
    },
    readerOf(state),
  );
  const entries: WriteEntry[] = [];
  for await (const entry of plan.entries) {
    if (entry.type === 'file' && entry.content.kind === 'stream') for await (const _ of entry.content.data);
    entries.push(entry);
  }
  return { plan, entries };
}

const shown = (entries: readonly WriteEntry[]): string[] =>
  entries.map((entry) => `${entry.type} ${entry.path}${'mode' in entry ? ` ${entry.mode.toString(8)}` : ''}`);

describe('ADD', () => {
  test.each([
    ['a tar', small],
    ['a gzipped tar', gzipSync(small)],
    ['a tar with rubbish behind its end', Buffer.concat([small, Buffer.alloc(10_000, 7)])],
  ])('unpacks %s into the destination, and has read all of it', async (_, bytes) => {
    const { plan, entries } = await add({}, [source('any.name', bytes)], '/x/y');
    expect(shown(entries)).toEqual(['directory x 755', 'directory x/y 755', 'directory x/y/d 700', 'file x/y/d/f 600']);
    expect(plan.changed).toEqual([]);
  });

  test('copies what is no archive, whatever its name', async () => {
    const { entries } = await add({}, [source('not.tar.gz', Buffer.from('plain'))], '/x/');
    expect(shown(entries)).toEqual(['directory x 755', 'file x/not.tar.gz 777']);
  });

  test('gives what an archive brings to --chown, and does not touch its modes', async () => {
    const { entries } = await add({ x: { ...dir, uid: 1 } }, [source('a.tar', small)], '/x/', { uid: 8, gid: 9 });
    expect(entries[0]).toMatchObject({ type: 'parent', path: 'x', uid: 1 });
    expect(entries[2]).toMatchObject({ path: 'x/d/f', uid: 8, gid: 9, mode: 0o600 });
  });

  test('says what an archive was when it is not what the key said', async () => {
    const added = source('a.tar', small);
    const other = tar([{ path: 'other', mode: 0o644, content: Buffer.from('!') }]);
    writeFileSync(join(root, 'a.tar'), other);
    const { plan } = await add({}, [added], '/');
    const sha256 = createHash('sha256').update(other).digest('hex');
    expect(plan.changed).toEqual([{ root: 0, path: 'a.tar', sha256, size: other.length }]);
  });

  test('refuses an archive into a file', async () => {
    await expect(add({ f: 'x' }, [source('a.tar', small)], '/f')).rejects.toThrow('/f is not a directory');
  });

  test('follows a link to the destination', async () => {
    const { entries } = await add({ l: link('real'), real: dir }, [source('a.tar', small)], '/l');
    expect(shown(entries)).toContain('file real/d/f 600');
  });

  test('does not follow a link that took the place of the archive', async () => {
    const added = source('a.tar', small);
    writeFileSync(join(root, 'secret'), readFileSync(join(root, 'a.tar')));
    rmSync(join(root, 'a.tar'));
    symlinkSync('secret', join(root, 'a.tar'));
    await expect(add({}, [added], '/')).rejects.toThrow(/ELOOP/);
  });
});
