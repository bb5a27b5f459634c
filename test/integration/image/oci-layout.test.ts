import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openOciLayout, parseLayoutReference } from '../../../src/image/oci-layout.ts';
import type { BroughtIn } from '../../../src/image/bring-in.ts';
import { mergedView } from '../../../src/store/merged.ts';
import { lacks } from '../../helpers/capabilities.ts';
import { validateStoredImage } from '../../helpers/image.ts';
import { inFlight, openFilesBelow } from '../../helpers/leaks.ts';
import { tarOf, writeLayout } from './layouts.ts';
import { amd64, openWorkbench, readLayout } from './workbench.ts';
import type { Workbench } from './workbench.ts';

describe.skipIf(lacks('root'))('an image of an OCI layout', () => {
  let bench: Workbench;
  let base: Buffer;
  let upper: Buffer;
  beforeAll(async () => {
    bench = await openWorkbench();
    base = tarOf(
      bench.directory,
      'base',
      `mkdir -p etc usr/bin gone; echo root > etc/passwd; chmod 600 etc/passwd; echo x > gone/x; ln etc/passwd etc/also
       printf %s 'long' > usr/bin/tool; chown 12:34 usr/bin/tool; chmod 4755 usr/bin/tool; ln -s tool usr/bin/link
       mkfifo etc/fifo; mknod etc/null c 1 3; mkdir -p ${'d'.repeat(120)}/${'e'.repeat(120)}; echo ü > ü`,
    );
    upper = tarOf(bench.directory, 'upper', 'mkdir -p etc; touch .wh.gone; echo new > etc/passwd; touch etc/.wh.also');
  });
  afterAll(async () => {
    await bench[Symbol.asyncDispose]();
  });

  const bring = (path: string): Promise<BroughtIn> => readLayout(bench, path);

  function layout(
    name: string,
    ...args: Parameters<typeof writeLayout> extends [string, ...infer R] ? R : never
  ): string {
    const path = join(bench.directory, name);
    writeLayout(path, ...args);
    return path;
  }

  test('arrives whole: files, owners, links, devices, whiteouts; config, manifest and layer blobs verify', async () => {
    const { image, omissions } = await bring(layout('whole', [base, upper], { config: { Env: ['A=b'], Cmd: ['sh'] } }));
    const config = await validateStoredImage(bench.store, image);
    expect(config.config).toEqual({ Env: ['A=b'], Cmd: ['sh'] });
    expect(omissions).toEqual([]);
    const view = mergedView(image.chain, (id) => bench.store.listing(id));
    expect(view.find('etc/passwd')).toMatchObject({ type: 'file', size: 4 });
    expect(view.find('usr/bin/tool')).toMatchObject({ uid: 12, gid: 34, mode: 0o4755 });
    expect(view.find('usr/bin/link')).toMatchObject({ type: 'symlink', link: 'tool' });
    expect(view.find('etc/null')).toMatchObject({ type: 'character', device: { major: 1, minor: 3 } });
    expect(view.find('ü')).toMatchObject({ type: 'file' });
    expect([view.find('gone'), view.find('etc/also')]).toEqual([undefined, undefined]);
    const [below] = image.chain;
    const diff = bench.store.diffDirectory(below?.layer ?? '');
    expect(readFileSync(join(diff, 'usr/bin/tool'), 'utf8')).toBe('long');
    expect(statSync(join(diff, 'etc/also')).ino).toBe(statSync(join(diff, 'etc/passwd')).ino);
  });

  test('state of an arrived layer is its diffID, and a layer that is there is not read again', async () => {
    const path = layout('again', [base, upper], { config: { Cmd: ['other'] } });
    for (const name of readdirSync(join(path, 'blobs/sha256'))) {
      const blob = join(path, 'blobs/sha256', name);
      if (readFileSync(blob)[0] === 0x1f) writeFileSync(blob, 'not needed');
    }
    const { image } = await bring(path);
    expect(image.chain.map(({ state }) => `sha256:${state}`)).toEqual(image.chain.map(({ diffId }) => diffId));
  });

  test('the same layer twice is unpacked once and stands in the chain twice', async () => {
    const { image } = await bring(layout('twice', [upper, upper]));
    expect(image.chain).toHaveLength(2);
    expect(image.chain[0]).toEqual(image.chain[1]);
  });

  test.each([
    ['a diffID that is not the tar', { diffIds: () => [`sha256:${'0'.repeat(64)}`] }, 'TBUILD_DIGEST_MISMATCH'],
    ['more diffIDs than layers', { diffIds: (ids: readonly string[]) => [...ids, ...ids] }, 'TBUILD_MANIFEST'],
    ['a blob that was cut', { blob: (bytes: Buffer) => bytes.subarray(0, -9) }, 'TBUILD_ARCHIVE'],
    [
      'a blob with bytes behind it',
      { blob: (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(9)]) },
      'TBUILD_DIGEST_MISMATCH',
    ],
  ])('%s is refused and leaves nothing behind', async (title, options, code) => {
    const tar = tarOf(bench.directory, `broken ${title}`, `echo '${title}' > file`);
    const before = readdirSync(join(bench.store.root, 'layers'));
    await expect(bring(layout(`layout ${title}`, [tar], options))).rejects.toThrow(expect.objectContaining({ code }));
    expect(readdirSync(join(bench.store.root, 'layers'))).toEqual(before);
    expect(inFlight(bench.store.root)).toEqual([]);
    expect(openFilesBelow(bench.directory).filter((path) => path.includes('layout'))).toEqual([]);
  });

  test('an aborted signal stops it with its reason', async () => {
    const controller = new AbortController();
    controller.abort(new Error('enough'));
    const tar = tarOf(bench.directory, 'aborted', 'echo aborted > file');
    const path = layout('aborted layout', [tar]);
    await expect(readLayout(bench, path, { signal: controller.signal })).rejects.toThrow('enough');
  });

  test('is found by tag and by digest, and a wrong one is told from a missing layout', async () => {
    const path = join(bench.directory, 'tagged');
    const digest = writeLayout(path, [upper], { tag: 'v1' }) as `sha256:${string}`;
    const open = (reference: object): Promise<unknown> =>
      openOciLayout({ path, tag: undefined, digest: undefined, ...reference }, amd64);
    for (const reference of [{}, { tag: 'v1' }, { digest }]) {
      expect(await open(reference)).toMatchObject({ manifest: { digest } });
    }
    await expect(open({ tag: 'v2' })).rejects.toThrow(expect.objectContaining({ code: 'TBUILD_IMAGE_NOT_FOUND' }));
    mkdirSync(join(bench.directory, 'none'));
    const missing = openOciLayout(parseLayoutReference(join(bench.directory, 'none')), amd64);
    await expect(missing).rejects.toThrow(expect.objectContaining({ code: 'TBUILD_MANIFEST' }));
  });
});
