import { afterEach, beforeEach, expect, test } from 'vitest';
import { applyInstruction } from '../../../src/image/apply-instruction.ts';
import { assembleImage, imageConfig } from '../../../src/image/assemble.ts';
import { draftFromImage, scratchDraft } from '../../../src/image/draft.ts';
import type { ImageDraft } from '../../../src/image/draft.ts';
import { readImageConfig } from '../../../src/image/read-image.ts';
import type { ChainLayer, Store } from '../../../src/store/types.ts';
import { validateStoredImage } from '../../helpers/image.ts';
import { commitLayer, tempStore } from '../../helpers/temp-store.ts';
import type { TempStore } from '../../helpers/temp-store.ts';
import { instruction, shell } from './instructions.ts';

const platform = { os: 'linux', architecture: 'arm', variant: 'v7' };
const epoch = 1_000_000_000;

let directory: TempStore;
let store: Store;
let layer: ChainLayer;
beforeEach(async () => {
  directory = tempStore();
  store = await directory.open();
  layer = await commitLayer(store, { file: 'hello' });
});
afterEach(async () => {
  await directory[Symbol.asyncDispose]();
});

function draftWithLayer(created?: number): ImageDraft {
  const run = instruction({ kind: 'run', command: shell('true') });
  const draft = applyInstruction(scratchDraft(platform), run, { args: [], madeLayer: true, created });
  return applyInstruction(draft, instruction({ kind: 'user', user: 'u' }), { args: [], madeLayer: false });
}

test('writes a config whose digest is the id, and a record that says where the layers are', async () => {
  const image = await assembleImage(store, draftWithLayer(5000), [layer], { created: 9000 });
  const config = await validateStoredImage(store, image);
  expect(config).toMatchObject({
    architecture: 'arm',
    variant: 'v7',
    os: 'linux',
    created: '1970-01-01T00:00:05Z',
    config: { User: 'u', WorkingDir: '/' },
  });
  expect(image).toMatchObject({ platform, chain: [layer], created: '1970-01-01T00:00:05Z', size: 5 });
  expect((await store.findImage(image.id))?.image).toEqual(image);
});

test('the same draft and chain give the same id, whatever the time is', async () => {
  const first = await assembleImage(store, draftWithLayer(5000), [layer], { created: 1 });
  const second = await assembleImage(store, draftWithLayer(5000), [layer], { created: 2 });
  expect(second).toEqual(first);
});

test('an image that is there keeps what is known about it', async () => {
  const first = await assembleImage(store, draftWithLayer(5000), [layer], { created: 1 });
  const known = { ...first, repoDigests: [`docker.io/library/x@sha256:${'1'.repeat(64)}`] };
  await store.putImage(known);
  expect(await assembleImage(store, draftWithLayer(5000), [layer], { created: 2 })).toEqual(known);
});

test('--label wins over LABEL', async () => {
  const labelled = applyInstruction(
    draftWithLayer(1),
    instruction({
      kind: 'label',
      pairs: [
        { key: 'l', value: '0' },
        { key: 'm', value: '1' },
      ],
    }),
    { args: [], madeLayer: false },
  );
  const image = await assembleImage(store, labelled, [layer], { created: 1, labels: { l: '1', z: '' } });
  expect((await readImageConfig(store, image)).config?.Labels).toEqual({ l: '1', m: '1', z: '' });
});

test('SOURCE_DATE_EPOCH is the time of the image and of what the stage did, not of what the base did', () => {
  const base = draftFromImage({
    architecture: 'amd64',
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: [layer.diffId] },
    history: [{ created: '2026-01-01T00:00:00Z', created_by: 'base' }],
  });
  const user = instruction({ kind: 'user', user: 'u' });
  const draft = applyInstruction(base, user, { args: [], madeLayer: false });
  const config = imageConfig(draft, [layer], { created: 5000, epoch });
  expect(config.created).toBe('2001-09-09T01:46:40Z');
  expect(config.history?.map(({ created }) => created)).toEqual(['2026-01-01T00:00:00Z', '2001-09-09T01:46:40Z']);
  expect(imageConfig(draft, [layer], { created: 5000 }).created).toBe('2026-01-01T00:00:00Z');
});

test('an image without layers takes the time of the build', () => {
  const config = imageConfig(scratchDraft(platform), [], { created: 5000 });
  expect(config).toMatchObject({ created: '1970-01-01T00:00:05Z', history: [], rootfs: { diff_ids: [] } });
});

test('history and chain must tell of the same number of layers', () => {
  expect(() => imageConfig(draftWithLayer(1), [], { created: 1 })).toThrow(TypeError);
});
