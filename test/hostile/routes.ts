import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { expect } from 'vitest';
import { tarEntry, tarOf } from '../../fixtures/layers/tar-bytes.ts';
import { startFileServer } from '../helpers/file-server.ts';
import type { TestRegistry } from '../helpers/registry.ts';
import { importImage, isTbuildError, loadImages } from '../../src/index.ts';
import type { ErrorCode, ImageRecord } from '../../src/index.ts';
import { digestOf } from '../../src/oci/digest.ts';
import type { Workshop } from '../helpers/workshop.ts';

/** A way by which the bytes of an archive get in. Resolves to the image that holds what was unpacked. */
export interface Route {
  readonly name:
    'import' | 'a pulled layer' | 'a loaded layer' | 'ADD' | 'a context on standard input' | 'a context behind a URL';
  /** Where the archive's root ends up in the image, with a trailing slash; '' is the image's root. */
  readonly root: string;
  /** What is given may be compressed: for layers the config would have to say what they unpack to. */
  readonly takesCompressed: boolean;
  /** Where the archive's own files end up beside others, the path of the other one. */
  readonly beside?: string;
  bring(shop: Workshop, registry: TestRegistry, tar: Buffer): Promise<ImageRecord>;
}

let count = 0;

export const routes: readonly Route[] = [
  {
    name: 'import',
    root: '',
    takesCompressed: true,
    bring: async (shop, _registry, tar) =>
      (await importImage({ store: shop.store, source: Readable.from([tar]), name: `imported-${count++}` })).image,
  },
  {
    name: 'a pulled layer',
    root: '',
    takesCompressed: false,
    async bring(shop, registry, tar) {
      const name = `hostile/image:${count++}`;
      registry.putImage(name, { layers: [tar], gzip: count % 2 === 0 });
      const context = shop.context({ Dockerfile: `FROM ${registry.host}/${name}\nLABEL a=b\n` });
      return (await shop.build(context)).image;
    },
  },
  {
    name: 'a loaded layer',
    root: '',
    takesCompressed: false,
    async bring(shop, _registry, tar) {
      const config = { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [digestOf(tar)] } };
      const archive = tarOf(
        { name: 'layer.tar', content: count++ % 2 === 0 ? tar : gzipSync(tar) },
        { name: 'config', content: JSON.stringify(config) },
        { name: 'manifest.json', content: JSON.stringify([{ Config: 'config', Layers: ['layer.tar'] }]) },
      );
      const { images } = await loadImages({ store: shop.store, source: Readable.from([archive]) });
      const [loaded] = images;
      if (loaded === undefined) throw new Error('nothing was loaded');
      return loaded.image;
    },
  },
  {
    name: 'ADD',
    root: 'target/',
    takesCompressed: true,
    async bring(shop, _registry, tar) {
      const context = shop.context({ Dockerfile: 'FROM scratch\nADD archive.tar /target/\n' });
      writeFileSync(join(context, 'archive.tar'), tar);
      return (await shop.build(context)).image;
    },
  },
  {
    name: 'a context on standard input',
    root: 'target/',
    takesCompressed: false,
    beside: 'target/Dockerfile',
    async bring(shop, _registry, tar) {
      const dockerfile = tarEntry({ name: 'Dockerfile', content: 'FROM scratch\nCOPY . /target/\n' });
      return (await shop.build('-', { stdin: Readable.from([dockerfile, tar]) })).image;
    },
  },
  {
    name: 'a context behind a URL',
    root: 'target/',
    takesCompressed: true,
    async bring(shop, _registry, tar) {
      await using server = await startFileServer();
      server.files.set('/tar', { content: tar });
      const dockerfile = Readable.from([Buffer.from('FROM scratch\nCOPY . /target/\n')]);
      return (await shop.build(`${server.url}/tar`, { dockerfile: '-', stdin: dockerfile })).image;
    },
  },
];

/** The image, or the code with which it was refused. Any other failure is passed on. */
export async function outcomeOf(bringing: Promise<ImageRecord>): Promise<ImageRecord | ErrorCode> {
  try {
    return await bringing;
  } catch (error) {
    if (isTbuildError(error)) return error.code;
    throw error;
  }
}

/** The root file system of an image as its `--output type=tar`. */
export async function rootTar(shop: Workshop, image: ImageRecord): Promise<Buffer> {
  const context = shop.context({ Dockerfile: `FROM ${image.id.slice('sha256:'.length)}\n` });
  const chunks: Buffer[] = [];
  const { PassThrough } = await import('node:stream');
  const sink = new PassThrough();
  const reading = (async () => {
    for await (const chunk of sink) chunks.push(chunk as Buffer);
  })();
  await shop.build(context, { outputs: [{ type: 'tar', destination: sink }] });
  sink.end();
  await reading;
  expect(chunks.length).toBeGreaterThan(0);
  return Buffer.concat(chunks);
}
