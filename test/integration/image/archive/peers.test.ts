import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { build, imageHistory, loadImages, saveImages } from '../../../../src/index.ts';
import type { BuildOptions, ImageRecord, Store } from '../../../../src/index.ts';
import { openStore } from '../../../../src/rootfs/open-store.ts';
import { lacks, peersProgram } from '../../../helpers/capabilities.ts';
import { validateStoredImage } from '../../../helpers/image.ts';
import { openWorkbench } from '../workbench.ts';

const repository = 'tbuild-archives';
const dockerfile = `FROM localhost:5000/busybox AS made
RUN echo from tbuild > /word
RUN true
RUN mkdir /d && echo gone > /d/gone && chown 12:34 /d
RUN rm /d/gone && ln /word /d/link
FROM scratch AS twice
COPY --from=made /word /word
COPY --from=made /word /word
CMD ["/word"]
FROM scratch AS bare
LABEL only=config
FROM made
COPY --from=twice /word /copied
LABEL last=yes
CMD ["cat", "/copied", "/d/link"]
`;
/** What a peer runs of the last stage prints. */
const printed = 'from tbuild\nfrom tbuild\n';

interface Engine {
  readonly name: string;
  run(...argv: readonly string[]): string;
  /** Socket of an API that takes images, where there is one. */
  readonly socket: string | undefined;
  readonly archives: readonly (readonly string[])[];
}

function inPeers(argv: readonly string[], environment: Readonly<Record<string, string>> = {}): string {
  const env = { ...process.env, ...environment };
  const { status, stdout, stderr } = spawnSync(peersProgram, argv, { env, encoding: 'utf8', maxBuffer: 1 << 26 });
  if (status !== 0) throw new Error(`${argv.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

function engines(home: string): readonly Engine[] {
  const docker = (name: string, file: string): Engine => {
    const socket = join(home, 'run', file);
    const env = { DOCKER_HOST: `unix://${socket}` };
    return { name, socket, run: (...argv) => inPeers(['docker', ...argv], env), archives: [['save']] };
  };
  const podman: Engine = {
    name: 'podman',
    socket: undefined,
    run: (...argv) => inPeers(['podman', ...argv]),
    archives: [
      ['save', '--quiet', '--format=docker-archive'],
      ['save', '--quiet', '--format=oci-archive'],
    ],
  };
  const dockers = [docker('docker', 'docker.sock'), docker("docker with containerd's store", 'docker-c8d.sock')];
  return [...dockers.filter(({ socket }) => existsSync(socket ?? '')), podman];
}

const isMissing = lacks('root', 'peers');
const home = isMissing ? '' : inPeers(['printenv', 'PEERS_HOME']).trim();

describe.skipIf(isMissing)('between tbuild and the peers', () => {
  let directory: string;
  let store: Store;
  const images: Record<string, ImageRecord> = {};

  beforeAll(async () => {
    mkdirSync(join(home, 'work'), { recursive: true });
    directory = mkdtempSync(join(home, 'work/archives-'));
    chmodSync(directory, 0o755);
    store = await openStore({ root: join(directory, 'store') });
    mkdirSync(join(directory, 'context'));
    writeFileSync(join(directory, 'context/Dockerfile'), dockerfile);
    for (const target of ['twice', 'bare', undefined]) {
      const name = target ?? 'app';
      images[name] = await buildImage({ target, tags: [`${repository}/${name}`] });
    }
  });
  afterAll(async () => {
    for (const { run } of engines(home)) {
      for (const name of [...Object.keys(images), 'own', 'loaded']) {
        for (const prefix of ['', 'localhost/', 'docker.io/']) {
          try {
            run('rmi', '--force', `${prefix}${repository}/${name}`);
          } catch {
            // It is under one of these names.
          }
        }
      }
    }
    await store[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });

  const buildImage = async (options: Partial<BuildOptions>): Promise<ImageRecord> =>
    (await build({ context: join(directory, 'context'), store, ...options }).result).image;

  describe.each(isMissing ? [] : engines(home))('$name', (engine) => {
    const place = (name: string): string => join(directory, `${engine.name.replaceAll(/\W+/g, '-')}-${name}`);

    test('loads what save makes of several images, under their ids, and runs them', async () => {
      const archive = place('saved.tar');
      await saveImages({
        store,
        images: Object.keys(images).map((name) => `${repository}/${name}`),
        destination: archive,
      });
      const said = engine.run('load', '--quiet', '--input', archive);
      for (const name of Object.keys(images)) expect(said).toMatch(new RegExp(`${repository}/${name}:latest`));
      const full = /(\S+tbuild-archives\/app):latest/.exec(said)?.[1] ?? `${repository}/app`;
      expect(engine.run('run', '--rm', '--network=none', full)).toBe(printed);
      const [inspected] = JSON.parse(engine.run('image', 'inspect', full)) as [
        { Id: string; RootFS: { Layers: string[] }; Config: { Labels: object } },
      ];
      expect(inspected.RootFS.Layers).toEqual(images['app']?.chain.map(({ diffId }) => diffId));
      expect(inspected.Config.Labels).toEqual({ last: 'yes' });
      const id = `sha256:${inspected.Id.replace('sha256:', '')}`;
      // With containerd's store the id is that of the manifest.
      if (!engine.name.includes('containerd')) expect(id).toBe(images['app']?.id);
    });

    test.each(engine.archives.map((argv) => [argv.join(' '), argv] as const))(
      '%s of its own image loads here',
      async (_, argv) => {
        const own = `${repository}/own`;
        engine.run('build', '--quiet', '--network=host', '--tag', own, join(directory, 'context'));
        const archive = place(`own${argv.at(-1)}.tar`);
        engine.run(...argv, '--output', archive, own);
        const bench = await openWorkbench();
        try {
          const { images: loaded } = await loadImages({ store: bench.store, source: archive });
          const [one] = loaded;
          expect(loaded).toHaveLength(1);
          expect(one?.names[0]).toMatch(/tbuild-archives\/own:latest$/);
          if (one === undefined) return;
          const config = await validateStoredImage(bench.store, one.image);
          expect(config.config?.Labels).toMatchObject({ last: 'yes' });
          const history = await imageHistory(bench.store, one.names[0] ?? '');
          expect(history.length).toBeGreaterThan(5);
          // And goes back.
          const back = place('back.tar');
          await saveImages({ store: bench.store, images: [one.image.id], destination: back });
          expect(engine.run('load', '--quiet', '--input', back)).toMatch(/[0-9a-f]{64}|own/);
        } finally {
          await bench[Symbol.asyncDispose]();
        }
      },
    );

    test('takes --output type=docker through its socket', async () => {
      const tag = `${repository}/loaded`;
      await withSocket(engine, place('api.sock'), async (socket) => {
        process.env['DOCKER_HOST'] = `unix://${socket}`;
        try {
          await buildImage({ tags: [tag], outputs: [{ type: 'docker', destination: undefined }] });
        } finally {
          delete process.env['DOCKER_HOST'];
        }
      });
      expect(engine.run('run', '--rm', '--network=none', tag)).toBe(printed);
    });
  });
});

/** Podman's API is served for as long as it takes. */
async function withSocket(engine: Engine, path: string, body: (socket: string) => Promise<void>): Promise<void> {
  if (engine.socket !== undefined) return body(engine.socket);
  const service = spawn(peersProgram, ['podman', 'system', 'service', '--time=60', `unix://${path}`], {
    stdio: 'ignore',
  });
  const ended = new Promise((resolve) => service.once('exit', resolve));
  try {
    await expect.poll(() => existsSync(path), { timeout: 20_000 }).toBe(true);
    await body(path);
  } finally {
    // `in-peers` becomes the program that it runs.
    expect(readFileSync(`/proc/${service.pid}/cmdline`, 'utf8')).toContain('podman');
    service.kill();
    await ended;
  }
}
