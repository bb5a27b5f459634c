import { expect, test } from 'vitest';
import { parseImageConfig } from '../../../src/oci/config.ts';
import { defaultPath, draftFromImage, onbuildTriggers, scratchDraft } from '../../../src/image/draft.ts';

const linux = { os: 'linux', architecture: 'arm64' };

/** As `docker import` writes it. */
const imported = parseImageConfig(
  Buffer.from(
    JSON.stringify({
      architecture: 'arm64',
      comment: 'Imported from -',
      author: 'A',
      config: {
        Hostname: '',
        AttachStdin: false,
        User: '',
        Env: ['A=b'],
        Cmd: null,
        Volumes: null,
        WorkingDir: '',
        Entrypoint: null,
        OnBuild: ['RUN x'],
        Labels: null,
      },
      container_config: { Hostname: '' },
      created: '2026-11-22T03:10:58Z',
      docker_version: '28.5.2',
      history: [{ created: '2026-11-22T03:10:58Z', comment: 'Imported from -', created_by: '' }],
      os: 'linux',
      rootfs: { type: 'layers', diff_ids: [`sha256:${'a'.repeat(64)}`] },
    }),
  ),
);

test('scratch starts with the default PATH in /', () => {
  expect(scratchDraft(linux).config).toEqual({ Env: [`PATH=${defaultPath}`], WorkingDir: '/' });
  expect(scratchDraft(linux).history).toEqual([]);
});

test('a base keeps its history and author; PATH is added behind its variables, and what a build does not know is dropped', () => {
  expect(draftFromImage(imported)).toEqual({
    platform: linux,
    author: 'A',
    config: { Env: ['A=b', `PATH=${defaultPath}`] },
    history: [{ created: '2026-11-22T03:10:58Z', comment: 'Imported from -' }],
    isCmdSet: false,
    argValues: new Map(),
    order: ['A', 'PATH'],
  });
});

test('the triggers of a base are told, not inherited', () => {
  expect(onbuildTriggers(imported)).toEqual(['RUN x']);
  expect(onbuildTriggers(draftFromImage(imported))).toEqual([]);
});

test('a base whose history tells of more or fewer layers than there are gets one entry for each', () => {
  const base = (history: unknown, layers: number): unknown =>
    draftFromImage(
      parseImageConfig(
        Buffer.from(
          JSON.stringify({
            ...linux,
            created: '2026-01-02T03:04:05Z',
            history,
            rootfs: { type: 'layers', diff_ids: Array.from({ length: layers }, () => `sha256:${'a'.repeat(64)}`) },
          }),
        ),
      ),
    ).history;
  const untold = { created: '2026-01-02T03:04:05Z' };
  expect(base(undefined, 2)).toEqual([untold, untold]);
  expect(base([{ created_by: 'one' }, { created_by: 'none', empty_layer: true }], 2)).toEqual([
    { created_by: 'one' },
    { created_by: 'none', empty_layer: true },
    untold,
  ]);
  expect(base([{ created_by: 'one' }, { created_by: 'too many' }], 1)).toEqual([
    { created_by: 'one' },
    { created_by: 'too many', empty_layer: true },
  ]);
});
