import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { TbuildError } from '../errors.ts';
import type { Helper, HelperIdentity, IdRange } from './helper-types.ts';
import { loadAddon } from './load.ts';
import { openOperation } from './operation.ts';
import type { Operation } from './operation.ts';
import { helperOperations } from './helper-operations.ts';
import { packageRoot } from './package-root.ts';

/**
 * The helper of one build (addon/README.md). Nothing is spawned, nor its identity asked for, before the first operation. When somebody kills it, the operations under way fail; the next one starts
 * another, so that what is left can be removed.
 */
export function openHelper(identity: () => HelperIdentity): Helper {
  let running: RunningHelper | undefined;
  let disposed = false;
  const ends: Promise<void>[] = [];
  const start = (name: string, signal?: AbortSignal): Operation => {
    if (disposed) throw new TypeError('the helper was closed');
    signal?.throwIfAborted();
    if (running !== undefined) {
      const operation = running.start(name, signal);
      if (!(operation instanceof Error)) return operation;
      ends.push(running.stop());
    }
    running = spawnHelper(identity());
    const operation = running.start(name, signal);
    if (operation instanceof Error) throw operation;
    return operation;
  };
  return {
    ...helperOperations(start),
    async [Symbol.asyncDispose]() {
      disposed = true;
      await Promise.all([...ends, running?.stop()]);
    },
  };
}

interface RunningHelper {
  /** An error when the helper is gone. */
  start(name: string, signal: AbortSignal | undefined): Operation | TbuildError;
  stop(): Promise<void>;
}

function spawnHelper(identity: HelperIdentity): RunningHelper {
  const addon = loadAddon();
  const [ours, theirs] = addon.controlSocket();
  // An empty environment: nothing of the caller's may be readable through /proc from inside a sandbox.
  const child = spawn(helperPath(), identityArguments(identity), {
    env: {},
    stdio: ['ignore', 'ignore', 'pipe', theirs],
    detached: true,
  });
  addon.closeDescriptor(theirs);
  const words = collectWords(child);
  const exited = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', () => resolve());
  });
  // A helper that idles must not keep the caller's process alive.
  child.unref();
  (child.stderr as Socket | null)?.unref();
  let open = true;
  return {
    start(name, signal) {
      let fd: number;
      try {
        fd = addon.startOperation(ours);
      } catch (cause) {
        return new TbuildError('TBUILD_HELPER', `the helper is gone${words() === '' ? '' : `: ${words()}`}`, { cause });
      }
      return openOperation(new Socket({ fd, readable: true, writable: true }), name, { signal, lastWords: words });
    },
    async stop() {
      if (!open) return;
      open = false;
      // From here on the caller waits, which must keep the event loop going until the last worker has let go of stderr.
      child.ref();
      (child.stderr as Socket | null)?.ref();
      addon.closeDescriptor(ours);
      await exited;
    },
  };
}

function collectWords(child: ChildProcess): () => string {
  let text = '';
  child.once('error', (error) => (text = `it could not be started: ${error.message}`));
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (text = (text + chunk).slice(-2000)));
  return () => text.trim();
}

function helperPath(): string {
  const addon = join(packageRoot(), 'addon');
  const candidates = [
    join(addon, 'build', 'Release', 'tbuild-helper'),
    join(addon, 'prebuilds', `linux-${process.arch}`, 'tbuild-helper'),
  ];
  const found = candidates.find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new TbuildError('TBUILD_PLATFORM', `the helper program is missing; looked for ${candidates.join(' and ')}`, {
    hint: 'run `npm rebuild tbuild`; it needs g++, make and python3 (Debian: apt-get install g++ make python3)',
  });
}

function identityArguments(identity: HelperIdentity): string[] {
  switch (identity.kind) {
    case 'root':
      return ['--userns=none'];
    case 'mapped':
      return ['--userns=new', `--uid-map=${formatMap(identity.uidMap)}`, `--gid-map=${formatMap(identity.gidMap)}`];
    case 'single':
      return ['--userns=new', '--single', `--uid-map=0 ${identity.uid} 1`, `--gid-map=0 ${identity.gid} 1`];
  }
}

function formatMap(ranges: readonly IdRange[]): string {
  return ranges.map(({ inside, outside, count }) => `${inside} ${outside} ${count}`).join(',');
}
