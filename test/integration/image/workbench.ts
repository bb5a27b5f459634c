import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import type { Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { openHelper } from '../../../src/native/helper.ts';
import type { Helper } from '../../../src/native/helper-types.ts';
import { openStore } from '../../../src/store/open.ts';
import type { Store } from '../../../src/store/types.ts';

/** A store of its own in a new directory, with a helper; everything is gone after disposal. */
export interface Workbench extends AsyncDisposable {
  readonly directory: string;
  readonly store: Store;
  readonly helper: Helper;
}

export async function openWorkbench(): Promise<Workbench> {
  const directory = mkdtempSync(join(tmpdir(), 'tbuild-image-'));
  const helper = openHelper(() => ({ kind: 'root' }));
  const store = await openStore({ root: join(directory, 'store'), removeTree: (paths) => helper.remove(paths) });
  return {
    directory,
    store,
    helper,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await helper.remove([join(directory, 'store')]);
      await helper[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Runs a program to its end; throws what it printed when it fails. */
export function run(program: string, args: readonly string[], options: { cwd?: string; input?: Buffer } = {}): Buffer {
  const { status, stdout, stderr, error } = spawnSync(program, args, { ...options, maxBuffer: 1 << 30 });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr.toString()}`);
  return stdout;
}

/** What is written into the destination. */
export async function collect(write: (destination: Writable) => Promise<unknown>): Promise<Buffer> {
  const through = new PassThrough();
  const [collected] = await Promise.all([buffer(through), write(through)]);
  return collected;
}

export async function* bytes(content: Buffer): AsyncGenerator<Buffer, void, undefined> {
  for (let start = 0; start < content.length; start += 65_536) yield content.subarray(start, start + 65_536);
}
