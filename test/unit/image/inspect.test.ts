import { afterEach, beforeEach, expect, test } from 'vitest';
import { applyInstruction } from '../../../src/image/apply-instruction.ts';
import { assembleImage } from '../../../src/image/assemble.ts';
import { scratchDraft } from '../../../src/image/draft.ts';
import { imageHistory } from '../../../src/image/history.ts';
import { inspectImage } from '../../../src/image/inspect.ts';
import type { ChainLayer, ImageRecord, Store } from '../../../src/store/types.ts';
import { commitLayer, tempStore } from '../../helpers/temp-store.ts';
import type { TempStore } from '../../helpers/temp-store.ts';
import { exec, instruction, shell } from './instructions.ts';

let directory: TempStore;
let store: Store;
let bottom: ChainLayer;
let empty: ChainLayer;
let top: ChainLayer;
let image: ImageRecord;
beforeEach(async () => {
  directory = tempStore();
  store = await directory.open();
  bottom = await commitLayer(store, { 'bin/sh': 'shell' });
  empty = await commitLayer(store, {});
  top = await commitLayer(store, { 'sample.txt': 'sample' });
  const run = instruction({ kind: 'run', command: shell('x') });
  const context = { args: [], madeLayer: true, created: 1_000_000_000_000 };
  let draft = scratchDraft({ os: 'linux', architecture: 'amd64' });
  for (let count = 0; count < 4; count++) draft = applyInstruction(draft, run, context);
  draft = applyInstruction(draft, instruction({ kind: 'cmd', command: exec('ls', '/') }), {
    args: [],
    madeLayer: false,
  });
  image = await assembleImage(store, draft, [bottom, empty, empty, top], { created: 0 });
  await store.tag(image.id, ['app:v1', 'localhost:5000/team/app']);
});
afterEach(async () => {
  await directory[Symbol.asyncDispose]();
});

test("inspect gives docker's fields in docker's order", async () => {
  const inspected = await inspectImage(store, 'app:v1');
  expect(Object.keys(inspected)).toEqual(
    (
      'Id RepoTags RepoDigests Parent Comment Created DockerVersion Author Architecture Os Size GraphDriver RootFS ' +
      'Metadata Config'
    ).split(' '),
  );
  expect(inspected).toMatchObject({
    Id: image.id,
    RepoTags: ['app:v1', 'localhost:5000/team/app:latest'],
    RepoDigests: [],
    Comment: 'buildkit.dockerfile.v0',
    Created: '2001-09-09T01:46:40Z',
    Architecture: 'amd64',
    Os: 'linux',
    Size: 11,
    RootFS: { Type: 'layers', Layers: image.chain.map(({ diffId }) => diffId) },
    Config: { Cmd: ['ls', '/'], ArgsEscaped: true, WorkingDir: '/' },
  });
  expect(Object.keys(inspected.Config)).toEqual(['ArgsEscaped', 'Cmd', 'Env', 'WorkingDir']);
});

test('GraphDriver names the directories, topmost first, each once, ready for mount', async () => {
  const { GraphDriver } = await inspectImage(store, image.id);
  expect(GraphDriver).toEqual({
    Name: 'overlay2',
    Data: {
      UpperDir: store.diffDirectory(top.layer),
      LowerDir: [empty, bottom].map(({ layer }) => store.diffDirectory(layer)).join(':'),
      MountOptions: 'userxattr',
    },
  });
});

test('repo digests and names are shown as docker shows them', async () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  await store.putImage({ ...image, repoDigests: [`docker.io/library/app@${digest}`] });
  const inspected = await inspectImage(store, image.id.slice(7, 19));
  expect(inspected.RepoDigests).toEqual([`app@${digest}`]);
});

test('an image that is not there is a coded error', async () => {
  await expect(inspectImage(store, 'other')).rejects.toThrow(
    expect.objectContaining({ code: 'TBUILD_IMAGE_NOT_FOUND', message: 'No such image: other' }),
  );
});

test('history rows come newest first, each with its layer', async () => {
  const rows = await imageHistory(store, 'app:v1');
  expect(rows.map(({ createdBy, size, layer }) => [createdBy, size, layer])).toEqual([
    ['CMD ["ls" "/"]', 0, undefined],
    ['RUN /bin/sh -c x # buildkit', 6, top.layer],
    ['RUN /bin/sh -c x # buildkit', 0, empty.layer],
    ['RUN /bin/sh -c x # buildkit', 0, empty.layer],
    ['RUN /bin/sh -c x # buildkit', 5, bottom.layer],
  ]);
  expect(rows.map((row) => row.image)).toEqual([image.id, undefined, undefined, undefined, undefined]);
});

test('layers that the history does not tell of have rows of their own', async () => {
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      rootfs: { type: 'layers', diff_ids: [bottom.diffId, top.diffId] },
      history: [{ created_by: 'first', comment: 'c' }],
    }),
  );
  const id = await store.putBlob(config);
  await store.putImage({ ...image, id, chain: [bottom, top] });
  expect(await imageHistory(store, id)).toMatchObject([
    { image: id, createdBy: '', size: 6, layer: top.layer },
    { createdBy: 'first', size: 5, comment: 'c', layer: bottom.layer },
  ]);
});
