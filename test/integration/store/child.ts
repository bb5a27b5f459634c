/**
 * A process that uses a store as builds do, or prunes it, until it is killed or told to stop (SIGTERM). Exits with 1 and says why when the store breaks a promise.
 * Arguments: store root, `build` or `prune`, seed.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import { openStore } from '../../../src/store/open.ts';
import type { ChainLayer, Store } from '../../../src/store/types.ts';
import { commitLayer, imageRecord, sha256 } from '../../helpers/temp-store.ts';

const [root = '', mode = '', seed = '1'] = process.argv.slice(2);
let state = Number(seed);
let isStopped = false;
process.once('SIGTERM', () => void (isStopped = true));

/** Numerical Recipes' linear congruential generator: the same run for the same seed. */
function random(below: number): number {
  state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
  return Math.floor((state / 2 ** 32) * below);
}

try {
  process.stdout.write('ready\n');
  for (let round = 0; !isStopped; round += 1) {
    if (mode === 'prune') await pruneOnce();
    else await buildOnce(round);
    await turn();
  }
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 1;
}

async function pruneOnce(): Promise<void> {
  const store = await openStore({ root });
  await store.prune({ all: random(2) === 0 });
  await store[Symbol.asyncDispose]();
}

async function buildOnce(round: number): Promise<void> {
  const store = await openStore({ root });
  const chain: ChainLayer[] = [];
  for (let step = 0; step < 3; step += 1) {
    chain.push(await runStep(store, `step ${step} variant ${random(4)}`));
    // Only the lease keeps the layers while the build goes on.
    await delay(random(8));
  }
  const config = Buffer.from(`config ${process.pid} ${round}`);
  const image = imageRecord(chain, { id: await store.putBlob(config) });
  await store.putImage(image);
  const name = `app${random(5)}`;
  await store.tag(image.id, [name]);
  check((await store.readBlob(image.id)).equals(config), 'the config is what was put');
  check((await store.findImage(image.id)) !== undefined, 'an image that this handle put is there');
  for (const { layer } of chain) checkLayer(store, layer);
  if (random(4) === 0) await store.untag(name).catch(() => undefined);
  await store[Symbol.asyncDispose]();
}

/** As a build does: a record, then a lease, else the work. */
async function runStep(store: Store, text: string): Promise<ChainLayer> {
  const key = sha256(text);
  const [record] = (await store.readRecords(key)) as readonly ChainLayer[];
  if (record !== undefined && (await store.lease([record.layer]))[0] === true) {
    checkLayer(store, record.layer);
    return record;
  }
  const layer = await commitLayer(store, { dir: { type: 'directory' }, 'dir/text': text, 'dir/more': text.repeat(50) });
  await store.addRecord(key, layer, () => true);
  checkLayer(store, layer.layer);
  return layer;
}

function checkLayer(store: Store, id: string): void {
  const listing = store.listing(id);
  for (const entry of listing.entries()) {
    if (entry.type !== 'file') continue;
    const path = join(store.diffDirectory(id), entry.path);
    check(existsSync(path), `a leased layer has ${path}`);
    check(sha256(readFileSync(path)) === entry.sha256, `${path} has the listed content`);
  }
}

function check(holds: boolean, promise: string): void {
  if (!holds) throw new Error(`not so: ${promise}`);
}
