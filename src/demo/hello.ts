import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { build, inspect, runImage, withStore } from '../index.ts';
import { say } from './say.ts';

/** Builds with a line for each step, and counts them. */
export async function buildHello(options: {
  readonly context: string;
  readonly image: string;
  readonly storeRoot: string;
}): Promise<{ readonly cached: number; readonly executed: number }> {
  const { context, image, storeRoot } = options;
  const started = performance.now();
  const count = { cached: 0, executed: 0 };
  const building = build({ context, tags: [image], storeRoot });
  for await (const event of building) {
    if (event.type !== 'step:done') continue;
    const { step, outcome, layer, durationMs } = event;
    say(`Step ${step.number}/${step.total} : ${step.text}`);
    if (outcome === 'base') continue;
    count[outcome] += 1;
    const result = layer === undefined ? '' : `  layer ${layer.slice(0, 12)}`;
    say(outcome === 'cached' ? ` ---> Using cache${result}` : ` ---> ${durationMs.toFixed(0)} ms${result}`);
  }
  await building.result;
  say(`\nBuilt in ${(performance.now() - started).toFixed(0)} ms.`);
  return count;
}

/** Lists the diff directories as `tbuild inspect` names them, bottom first. */
export async function showLayers(storeRoot: string, image: string): Promise<void> {
  const { GraphDriver } = await withStore({ root: storeRoot }, (store) => inspect(store, image));
  const { UpperDir, LowerDir } = GraphDriver.Data;
  for (const directory of [UpperDir, ...(LowerDir ?? '').split(':')].toReversed()) {
    if (directory === undefined || directory === '') continue;
    say(`${directory}\n    ${listTree(directory).join('  ')}`);
  }
}

/** Runs the image's own command and shows what it prints. */
export async function runHello(storeRoot: string, image: string): Promise<void> {
  const { exitCode } = await runImage({
    image,
    remove: true,
    storeRoot,
    onOutput: (stream, chunk) => void process[stream].write(chunk),
  });
  if (exitCode !== 0) throw new Error(`the command of the image ended with status ${exitCode}`);
}

const mostNames = 6;

/** The first few paths of a tree, symlinks not followed. */
function listTree(directory: string): string[] {
  const names = [...listPaths(directory, '')];
  const more = names.length - mostNames;
  return more > 0 ? [...names.slice(0, mostNames), `… and ${more} more`] : names.length > 0 ? names : ['(empty)'];
}

function* listPaths(directory: string, below: string): Generator<string> {
  const entries = readdirSync(join(directory, below), { withFileTypes: true });
  for (const entry of entries.toSorted((a, b) => a.name.localeCompare(b.name))) {
    const path = join(below, entry.name);
    yield path;
    if (entry.isDirectory()) yield* listPaths(directory, path);
  }
}
