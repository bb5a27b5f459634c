import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import type { Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { bringIn } from '../../../src/image/bring-in.ts';
import type { BroughtIn } from '../../../src/image/bring-in.ts';
import { openOciLayout } from '../../../src/image/oci-layout.ts';
import type { Helper } from '../../../src/native/helper-types.ts';
import type { Platform } from '../../../src/oci/platform.ts';
import { accessOf, openStore } from '../../../src/rootfs/open-store.ts';
import type { Store } from '../../../src/store/types.ts';

/** A store of its own in a new directory, with a helper; everything is gone after disposal. */
export interface Workbench extends AsyncDisposable {
  readonly directory: string;
  readonly store: Store;
  readonly helper: Helper;
}

export async function openWorkbench(): Promise<Workbench> {
  const directory = mkdtempSync(join(tmpdir(), 'tbuild-image-'));
  const store = await openStore({ root: join(directory, 'store') });
  const { helper } = accessOf(store);
  return {
    directory,
    store,
    helper,
    async [Symbol.asyncDispose]() {
      // Files of mapped ids are not this user's to remove.
      await helper.remove(
        readdirSync(join(directory, 'store/layers')).map((id) => join(directory, 'store/layers', id)),
      );
      await store[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

export const amd64: Platform = { os: 'linux', architecture: 'amd64' };

/** Brings the image of an OCI layout into the workbench's store. */
export async function readLayout(bench: Workbench, path: string, options: ReadLayoutOptions = {}): Promise<BroughtIn> {
  const { tag, signal } = options;
  return bringIn({ ...bench, signal }, await openOciLayout({ path, tag, digest: undefined }, amd64));
}

export interface ReadLayoutOptions {
  readonly tag?: string | undefined;
  readonly signal?: AbortSignal;
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
