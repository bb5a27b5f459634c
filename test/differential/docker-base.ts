import { createWriteStream, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { staticBaseImage } from '../../src/demo/base-image.ts';
import { writeTar } from '../../src/demo/tar-writer.ts';
import { loadImage } from '../compare/image.ts';
import type { LoadedImage } from '../compare/image.ts';
import { execute } from '../compare/peers.ts';

export interface Base {
  readonly image: LoadedImage;
  /** What `--build-context base=` takes. */
  readonly context: string;
}

/** The base image of the tests, made by tbuild, in a directory that docker can read. */
export async function makeBase(project: string, directory: string): Promise<Base> {
  const init = join(project, 'addon/build/init');
  if (!existsSync(init)) throw new Error(`${init} is missing: npm ci makes it`);
  await execute(process.execPath, [join(project, '.config/bundle.mjs')]);
  const [rootfs, archive, layout] = ['rootfs.tar', 'base.tar', 'base'].map((name) => join(directory, name));
  if (rootfs === undefined || archive === undefined || layout === undefined) throw new TypeError('three paths');
  const { entries } = staticBaseImage(readFileSync(init), (await execute(init, ['--list'])).trim().split('\n'));
  await pipeline(Readable.from(writeTar(entries)), createWriteStream(rootfs));
  mkdirSync(layout);
  writeFileSync(join(layout, 'Dockerfile'), 'FROM base\n');
  const tbuild = [join(project, 'dist/tbuild.cjs')];
  const store = ['--store', join(directory, 'store')];
  await execute(process.execPath, [...tbuild, 'import', ...store, '--change', 'ENV PATH=/bin', rootfs, 'base']);
  await execute(process.execPath, [...tbuild, 'build', ...store, '--output', `type=oci,dest=${archive}`, layout]);
  await execute('tar', ['-xf', archive, '-C', layout]);
  const index = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')) as {
    manifests: readonly { digest: string }[];
  };
  return { image: await loadImage(archive), context: `oci-layout://${layout}@${index.manifests[0]?.digest ?? ''}` };
}

/** Without what is another every time. */
export function refusal(output: string): string {
  const line = output.slice(output.lastIndexOf('ERROR:')).split('\n')[0] ?? '';
  return line
    .replace(/^ERROR: (failed to build: )?(failed to solve: )?/, '')
    .replace(/ref [\w-]+::\w+/, 'ref …')
    .replace(/\/\S*?\/(?:context|buildkit(?:-mount)?\d+)\//, '')
    .trim();
}
