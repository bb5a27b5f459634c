import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isTbuildError } from '../index.ts';
import { makeBaseImage } from './make-base.ts';
import { buildHello, runHello, showLayers } from './hello.ts';
import { say, title } from './say.ts';

/** Where this is: the package's root, from dist/demo.js. */
const packageRoot = fileURLToPath(new URL('..', import.meta.url));
const image = 'hello';

process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { keep: { type: 'boolean', default: false } } });
  const storeRoot = await mkdtemp(join(tmpdir(), 'tbuild-demo-'));
  const context = join(packageRoot, 'fixtures/hello');
  try {
    title("A base image from this machine's own files");
    await makeBaseImage(storeRoot, join(packageRoot, 'addon/build/init'));

    title('tbuild -t hello fixtures/hello');
    say(await readFile(join(context, 'Dockerfile'), 'utf8'));
    await buildHello({ context, image, storeRoot });

    title('Its layers are directories: what each step changed');
    await showLayers(storeRoot, image);

    title('tbuild run --rm hello');
    await runHello(storeRoot, image);

    title('tbuild -t hello fixtures/hello, once more');
    const { executed, cached } = await buildHello({ context, image, storeRoot });
    if (executed > 0) throw new Error(`${executed} steps ran again, although nothing has changed`);
    say(`All ${cached} steps came from the cache.`);
    return 0;
  } catch (error) {
    process.stderr.write(`\n${describeError(error)}\n`);
    return 1;
  } finally {
    await leave(storeRoot, values.keep);
  }
}

async function leave(storeRoot: string, keep: boolean): Promise<void> {
  if (!keep) {
    await rm(storeRoot, { recursive: true, force: true });
    say(`\nThe demo's store ${storeRoot} is gone again; \`npm run demo -- --keep\` leaves it.`);
    return;
  }
  const names = await readdir(storeRoot);
  say(`\nThe demo's store is ${storeRoot} (${names.toSorted().join(', ')}). Look around with:`);
  say(`  TBUILD_STORE=${storeRoot} npx tbuild images`);
}

function describeError(error: unknown): string {
  if (!isTbuildError(error)) return error instanceof Error ? (error.stack ?? error.message) : String(error);
  const hint = error.hint === undefined ? '' : `\n${error.hint}`;
  return `${error.code}: ${error.message}${hint}`;
}
