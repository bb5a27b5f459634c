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
      rootfs: { type: 'layers', diff_ids: [] },
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
  });
});

test('the triggers of a base are told, not inherited', () => {
  expect(onbuildTriggers(imported)).toEqual(['RUN x']);
  expect(onbuildTriggers(draftFromImage(imported))).toEqual([]);
});
