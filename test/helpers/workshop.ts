import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { staticBaseImage } from '../../src/demo/base-image.ts';
import { writeTar } from '../../src/demo/tar-writer.ts';
import { build, importImage, openStore, runImage } from '../../src/index.ts';
import { accessOf } from '../../src/rootfs/open-store.ts';
import type { BuildEvent, BuildOptions, BuildResult, Cause, ImageRecord, Store } from '../../src/index.ts';
import { writeTree } from './tree.ts';
import type { Tree } from './tree.ts';

/** What a build did, step by step. */
export interface Built extends BuildResult {
  /** `cached`, `executed` or `base` by instruction text. */
  readonly outcomes: Readonly<Record<string, string>>;
  readonly causes: Readonly<Record<string, Cause>>;
  readonly output: string;
  readonly events: readonly BuildEvent[];
}

/** A store with a base image `base` (the static program of fixtures/rootfs), contexts from object literals, and builds. */
export interface Workshop extends AsyncDisposable {
  readonly directory: string;
  readonly store: Store;
  readonly base: ImageRecord;
  context(files: Tree): string;
  build(context: string, options?: Partial<BuildOptions>): Promise<Built>;
  /** Output of a command on an image. */
  run(image: string, argv: readonly string[]): Promise<{ readonly exitCode: number; readonly output: string }>;
}

const initProgram = fileURLToPath(new URL('../../addon/build/init', import.meta.url));

export async function openWorkshop(): Promise<Workshop> {
  if (!existsSync(initProgram)) throw new Error(`${initProgram} is missing: npm ci makes it`);
  const directory = mkdtempSync(join(tmpdir(), 'tbuild-workshop-'));
  chmodSync(directory, 0o755);
  const store = await openStore({ root: join(directory, 'store') });
  const applets = execFileSync(initProgram, ['--list'], { encoding: 'utf8' }).trim().split('\n');
  const { entries } = staticBaseImage(readFileSync(initProgram), applets);
  const { image: base } = await importImage({
    store,
    source: Readable.from(writeTar(entries)),
    name: 'base',
    changes: ['ENV PATH=/bin'],
  });
  let contexts = 0;
  return {
    directory,
    store,
    base,
    context(files) {
      const path = join(directory, `context-${contexts++}`);
      mkdirSync(path);
      writeTree(path, files);
      return path;
    },
    build: async (context, options = {}) => collect(build({ context, store, ...options })),
    async run(image, argv) {
      let output = '';
      const { exitCode } = await runImage({
        store,
        image,
        argv,
        remove: true,
        onOutput: (_, chunk) => void (output += Buffer.from(chunk).toString()),
      });
      return { exitCode, output };
    },
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await removeTree(directory);
    },
  };
}

/** Also what belongs to ids that an ordinary user only has through the helper. */
async function removeTree(directory: string): Promise<void> {
  const cleaner = mkdtempSync(join(tmpdir(), 'tbuild-cleaner-'));
  {
    await using store = await openStore({ root: cleaner });
    await accessOf(store).helper.remove([directory]);
  }
  rmSync(cleaner, { recursive: true });
}

async function collect(running: ReturnType<typeof build>): Promise<Built> {
  const outcomes: Record<string, string> = {};
  const causes: Record<string, Cause> = {};
  const events: BuildEvent[] = [];
  let output = '';
  for await (const event of running) {
    events.push(event);
    if (event.type === 'step:done') outcomes[event.step.text] = event.outcome;
    if (event.type === 'step:cause') causes[event.step.text] = event.cause;
    if (event.type === 'step:log') output += Buffer.from(event.chunk).toString();
  }
  return { ...(await running.result), outcomes, causes, output, events };
}
