import { execFileSync } from 'node:child_process';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exportOci } from '../../../src/image/export-oci.ts';
import { imageHistory } from '../../../src/image/history.ts';
import { importImage } from '../../../src/image/import.ts';
import type { ImportedImage, ImportOptions } from '../../../src/image/import.ts';
import { readImageConfig } from '../../../src/image/read-image.ts';
import { digestOf } from '../../../src/oci/digest.ts';
import { lacks, peersProgram } from '../../helpers/capabilities.ts';
import { validateStoredImage } from '../../helpers/image.ts';
import { tarOf } from './layouts.ts';
import { bytes, collect, openWorkbench, run } from './workbench.ts';
import type { Workbench } from './workbench.ts';

describe.skipIf(lacks('root'))('an import', () => {
  let bench: Workbench;
  let tar: Buffer;
  beforeAll(async () => {
    bench = await openWorkbench();
    tar = tarOf(bench.directory, 'rootfs', 'mkdir -p etc dev; echo root > etc/passwd; mknod dev/null c 1 3');
  });
  afterAll(async () => {
    await bench[Symbol.asyncDispose]();
  });

  const importing = (source: Buffer, options: Partial<ImportOptions> = {}): Promise<ImportedImage> =>
    importImage({ ...bench, source: bytes(source), name: undefined, changes: [], ...options });

  test("is an image of one layer whose diffID is the tar's digest, gzipped or not", async () => {
    const plain = await importing(tar, { name: 'base:plain', created: 1_000_000_000_000 });
    const config = await validateStoredImage(bench.store, plain.image);
    expect(config).toEqual({
      architecture: expect.any(String),
      comment: 'Imported from -',
      config: {},
      created: '2001-09-09T01:46:40Z',
      history: [{ created: '2001-09-09T01:46:40Z', comment: 'Imported from -' }],
      os: 'linux',
      rootfs: { type: 'layers', diff_ids: [digestOf(tar)] },
    });
    expect((await bench.store.findImage('base:plain'))?.image).toEqual(plain.image);
    const packed = await importing(gzipSync(tar), { created: 1_000_000_000_000 });
    expect(packed.image).toEqual(plain.image);
    expect(await imageHistory(bench.store, 'base:plain')).toMatchObject([
      { createdBy: '', size: 5, comment: 'Imported from -' },
    ]);
  });

  test.each(['zstd', 'xz', 'bzip2'].filter((program) => !lacks(`tool:${program}`)))(
    'of what %s packed is the same image, and can be exported',
    async (program) => {
      const own = await openWorkbench();
      try {
        const packed = execFileSync(program, ['-c'], { input: tar });
        const { image } = await importImage({ ...own, source: bytes(packed), name: 'base', changes: [] });
        expect(image.chain[0]?.diffId).toBe(digestOf(tar));
        const archive = await collect((destination) => exportOci({ ...own, image, names: ['base'], destination }));
        // Of xz and bzip2 no layer can be made: the tar is the blob.
        expect(archive.includes(program === 'zstd' ? packed : tar)).toBe(true);
        expect(archive.toString('latin1')).toContain(
          program === 'zstd' ? 'vnd.oci.image.layer.v1.tar+zstd' : 'vnd.oci.image.layer.v1.tar"',
        );
      } finally {
        await own[Symbol.asyncDispose]();
      }
    },
  );

  test('comes out of an export as the bytes that went in', async () => {
    const own = await openWorkbench();
    try {
      const packed = gzipSync(tar, { level: 1 });
      const { image } = await importImage({ ...own, source: bytes(packed), name: 'base', changes: [] });
      const archive = await collect((destination) => exportOci({ ...own, image, names: ['base'], destination }));
      expect(archive.includes(packed)).toBe(true);
    } finally {
      await own[Symbol.asyncDispose]();
    }
  });

  test('changes, message and platform go into the config as docker import puts them there', async () => {
    const changes = [
      'ENV A=1',
      'ENV B=$A',
      'CMD a',
      'ENTRYPOINT b',
      'LABEL l=$A',
      'EXPOSE 80 90/udp',
      'WORKDIR /x',
      'WORKDIR y',
    ];
    const { image } = await importing(tar, {
      changes: [...changes, 'USER u\nVOLUME /v', 'ONBUILD RUN x', 'STOPSIGNAL 9', 'HEALTHCHECK CMD x'],
      message: 'my message',
      platform: { os: 'linux', architecture: 'arm64' },
    });
    expect(await readImageConfig(bench.store, image)).toMatchObject({
      architecture: 'arm64',
      comment: 'my message',
      config: {
        Env: ['A=1', 'B=1'],
        Cmd: ['/bin/sh', '-c', 'a'],
        Entrypoint: ['/bin/sh', '-c', 'b'],
        Labels: { l: '1' },
        ExposedPorts: { '80/tcp': {}, '90/udp': {} },
        WorkingDir: '/x/y',
        User: 'u',
        Volumes: { '/v': {} },
        OnBuild: ['RUN x'],
        StopSignal: '9',
        Healthcheck: { Test: ['CMD-SHELL', 'x'] },
      },
      history: [{ comment: 'my message' }],
    });
  });

  test.each([
    [['WORKDIR /a/../b'], '/b'],
    [['WORKDIR //c//d/./'], '/c/d'],
    [['WORKDIR /../..'], '/'],
    [['WORKDIR /e/../f', 'WORKDIR g/../h'], '/f/h'],
  ])('%j makes the working directory %s, as with docker import', async (changes, expected) => {
    const { image } = await importing(tar, { changes });
    expect(await readImageConfig(bench.store, image)).toMatchObject({ config: { WorkingDir: expected } });
  });

  test.each<[string, Buffer, Partial<ImportOptions>, string]>([
    ['an instruction that is no change', Buffer.alloc(1024), { changes: ['RUN x'] }, 'TBUILD_DOCKERFILE_SYNTAX'],
    ['a wrong port', Buffer.alloc(1024), { changes: ['EXPOSE abc'] }, 'TBUILD_DOCKERFILE_SYNTAX'],
    ['a malformed name', Buffer.alloc(1024), { name: 'Not A Name' }, 'TBUILD_REFERENCE'],
    ['something that is no tar', Buffer.from('garbage'.repeat(200)), {}, 'TBUILD_ARCHIVE'],
    ['an xz archive that is cut off', Buffer.from('fd377a585a000000', 'hex'), {}, 'TBUILD_ARCHIVE'],
    ['a zstd archive with a dictionary', Buffer.from('28b52ffd01000700', 'hex'), {}, 'TBUILD_UNSUPPORTED'],
    ['a cut off tar', Buffer.alloc(0), {}, 'TBUILD_ARCHIVE'],
  ])('%s is refused', async (title, source, options, code) => {
    const content = title === 'a cut off tar' ? tar.subarray(0, 1000) : source;
    await expect(importing(content, options)).rejects.toThrow(expect.objectContaining({ code }));
  });

  test.skipIf(lacks('peers'))('has the config that docker import makes', async () => {
    const changes = ['ENV A=b C=d', 'CMD ["ls"]', 'WORKDIR y', 'EXPOSE 80-81', 'HEALTHCHECK --interval=5s CMD x'];
    const { image } = await importing(tar, { changes, platform: { os: 'linux', architecture: 'amd64' } });
    const flags = changes.flatMap((change) => ['-c', change]);
    const id = run(peersProgram, ['docker', 'import', ...flags, '-'], { input: tar })
      .toString()
      .trim();
    try {
      const [docker] = JSON.parse(run(peersProgram, ['docker', 'image', 'inspect', id]).toString());
      const ours = await readImageConfig(bench.store, image);
      expect(ours.rootfs.diff_ids).toEqual(docker.RootFS.Layers);
      const known = Object.entries(docker.Config as object).filter(([, value]) => value !== null && value !== '');
      expect(ours.config).toEqual(Object.fromEntries(known));
    } finally {
      run(peersProgram, ['docker', 'rmi', id]);
    }
  });
});
