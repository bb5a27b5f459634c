import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { staticBaseImage } from '../../../src/demo/base-image.ts';
import { writeTar } from '../../../src/demo/tar-writer.ts';
import { importImage, openStore } from '../../../src/index.ts';
import { auditStore } from '../../helpers/audit-store.ts';
import { tbuild } from '../../helpers/program.ts';
import { writeTree } from '../../helpers/tree.ts';
import type { Tree } from '../../helpers/tree.ts';

/** A store that the command line uses, with the static base image in it as `base`. No handle on it is open in this process. */
export interface Bench extends Disposable {
  readonly directory: string;
  readonly store: string;
  context(files: Tree): string;
  /** All that is wrong with what the store shows. */
  audit(): Promise<readonly string[]>;
  /** Prunes, and names what is left in flight. */
  leftAfterPrune(...options: readonly string[]): Promise<readonly string[]>;
}

/** @param directory where the store goes; made when it is not given, and removed at the end in any case */
export async function openBench(directory: string = mkdtempSync(join(tmpdir(), 'tbuild-crash-'))): Promise<Bench> {
  chmodSync(directory, 0o755);
  const store = join(directory, 'store');
  await importImage({
    storeRoot: store,
    source: Readable.from(baseTar()),
    name: 'base',
    changes: ['ENV PATH=/bin'],
  });
  let contexts = 0;
  return {
    directory,
    store,
    context(files) {
      const path = join(directory, `context-${contexts++}`);
      mkdirSync(path);
      writeTree(path, files);
      return path;
    },
    async audit() {
      await using open = await openStore({ root: store });
      return await auditStore(open);
    },
    async leftAfterPrune(...options) {
      const { code, stderr } = await tbuild('prune', '--store', store, ...options);
      return [...(code === 0 ? [] : [`prune: ${code} ${stderr}`]), ...readdirSync(join(store, 'tmp'))];
    },
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}

function baseTar(): Iterable<Uint8Array> {
  const init = fileURLToPath(new URL('../../../addon/build/init', import.meta.url));
  const applets = execFileSync(init, ['--list'], { encoding: 'utf8' }).trim().split('\n');
  return writeTar(staticBaseImage(readFileSync(init), applets).entries);
}

/** An application of the shape that people have: manifest, a long RUN, sources, an archive. Every round of it has files of its own. */
export function application(
  bench: Bench,
  name: string,
): { readonly context: string; readonly change: (round: number) => void } {
  const sources = Object.fromEntries(
    Array.from({ length: 60 }, (_, index) => [
      `src/part-${index % 7}/file-${index}.js`,
      `export default ${index};\n`.repeat(index),
    ]),
  );
  const context = bench.context({
    Dockerfile: [
      'FROM base AS deps',
      'WORKDIR /app',
      'COPY package.json ./',
      'RUN --mount=type=cache,target=/cache,sharing=locked --mount=source=src,target=/src fill /cache/x 100000; cat /src/part-1/file-1.js > /cache/last; mkdir node_modules; cat package.json > node_modules/lock; fill node_modules/a 3000000; fill node_modules/b 500000; sleep 0.1; echo installed',
      'FROM base',
      'WORKDIR /app',
      'COPY --from=deps /app/node_modules ./node_modules',
      'ADD data.tar.gz /data/',
      'COPY . .',
      'RUN cat package.json > /built; mkdir -p /var/log; fill /var/log/x 100000; rm /etc/os-release; sleep 0.05',
      'CMD ["sh", "-c", "cat /built /app/node_modules/lock /data/round /app/src/part-1/file-1.js"]',
    ].join('\n'),
    'src/big.bin': Buffer.alloc(2_000_000, 'tbuild'),
    ...sources,
  });
  return {
    context,
    change(round) {
      writeFileSync(join(context, 'package.json'), JSON.stringify({ name, round }));
      const entries = [{ path: 'round', mode: 0o644, content: Buffer.from(`${name} ${round}\n`) }];
      const filler = Array.from({ length: 40 }, (_, index) => ({
        path: `f${index}`,
        mode: 0o600,
        content: Buffer.alloc(3000, index),
      }));
      writeFileSync(join(context, 'data.tar.gz'), gzipSync(Buffer.concat([...writeTar([...entries, ...filler])])));
    },
  };
}

/** What the application of {@link application} prints. */
export function applicationOutput(name: string, round: number): string {
  const manifest = JSON.stringify({ name, round });
  return `${manifest}${manifest}${name} ${round}\nexport default 1;\n`;
}
