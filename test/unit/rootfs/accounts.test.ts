import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { factReader } from '../../../src/cache/facts.ts';
import type { FactReader } from '../../../src/cache/facts.ts';
import type { Helper } from '../../../src/native/helper-types.ts';
import { readRootFile, resolveOwner, resolveRootUser } from '../../../src/rootfs/accounts.ts';
import type { RootFiles } from '../../../src/rootfs/accounts.ts';
import { mergedView } from '../../../src/store/merged.ts';
import type { Store } from '../../../src/store/types.ts';
import { commitLayer, sha256, tempStore } from '../../helpers/temp-store.ts';
import type { LayerSpec, TempStore } from '../../helpers/temp-store.ts';

const directory = { type: 'directory' } as const;
const link = (target: string): { type: 'symlink'; link: string } => ({ type: 'symlink', link: target });
const passwd = 'root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n';
const group = 'root:x:0:\napp:x:1001:\nextra:x:5:app\n';

let stores: TempStore;
let store: Store;
beforeEach(async () => {
  stores = tempStore();
  store = await stores.open();
});
afterEach(() => stores[Symbol.asyncDispose]());

interface Opened {
  readonly files: RootFiles;
  readonly reader: FactReader;
  readonly reads: string[];
}

async function open(...layers: LayerSpec[]): Promise<Opened> {
  const chain = [];
  for (const layer of layers) chain.push(await commitLayer(store, layer));
  const view = mergedView(chain, (id) => store.listing(id));
  const reads: string[] = [];
  const read: Helper['read'] = ({ root, path }) => {
    reads.push(path);
    return Promise.resolve(readFileSync(join(root, path)));
  };
  return { files: { view, store, helper: { read } as Helper }, reader: factReader(view), reads };
}

const usual: LayerSpec = { etc: directory, 'etc/passwd': passwd, 'etc/group': group };

describe('--chown', () => {
  test.each([
    ['app', 1000, 1001],
    ['app:extra', 1000, 5],
    ['7:app', 7, 1001],
    ['app:9', 1000, 9],
    ['0:extra', 0, 5],
  ])('%s is looked up in the image, and that is a fact', async (spec, uid, gid) => {
    const { files, reader } = await open(usual);
    expect(await resolveOwner(files, spec, reader)).toEqual({ uid, gid });
    expect(reader.facts()).toEqual(
      expect.arrayContaining([
        ['content etc/passwd', sha256(passwd)],
        ['content etc/group', sha256(group)],
      ]),
    );
  });

  test.each([
    ['4', 4, 4],
    ['4:', 4, 0],
    ['4:5', 4, 5],
    ['1000', 1000, 1000],
  ])('%s needs no file: nothing is read, and nothing is a fact', async (spec, uid, gid) => {
    const { files, reader, reads } = await open(usual);
    expect(await resolveOwner(files, spec, reader)).toEqual({ uid, gid });
    expect(reader.facts()).toEqual([]);
    expect(reads).toEqual([]);
  });

  test.each(['nobody', 'app:nobody', '99999999999'])('%s is nobody here', async (spec) => {
    const { files, reader } = await open(usual);
    await expect(resolveOwner(files, spec, reader)).rejects.toMatchObject({ code: 'TBUILD_USER_NOT_FOUND' });
  });

  test('links on the way are facts, too', async () => {
    const { files, reader } = await open({
      etc: link('/usr/etc'),
      usr: directory,
      'usr/etc': directory,
      'usr/etc/passwd': passwd,
      'usr/etc/group': group,
    });
    await resolveOwner(files, 'app', reader);
    const questions = reader.facts().map(([question]) => question);
    expect(questions).toEqual(expect.arrayContaining(['component etc', 'component usr/etc', 'content usr/etc/passwd']));
  });
});

describe('USER', () => {
  test('is looked up in the topmost layer', async () => {
    const { files } = await open(usual, {
      etc: { ...directory, parent: true },
      'etc/passwd': 'app:x:7:8::/x:/bin/sh\n',
    });
    expect(await resolveRootUser(files, 'app')).toEqual({ uid: 7, gid: 8, groups: [5, 8], home: '/x' });
  });

  test('is root without files', async () => {
    const { files, reads } = await open();
    expect(await resolveRootUser(files, '')).toMatchObject({ uid: 0, gid: 0, home: '/' });
    expect(reads).toEqual([]);
  });
});

describe('a file of the image', () => {
  test('is read through links inside it; what is no file is absent', async () => {
    const { files } = await open({ a: link('b'), b: 'content', d: directory, loose: link('nowhere') });
    expect((await readRootFile(files, 'a', 10))?.toString()).toBe('content');
    expect(await readRootFile(files, 'd', 10)).toBeUndefined();
    expect(await readRootFile(files, 'loose', 10)).toBeUndefined();
  });
});
