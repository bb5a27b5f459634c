import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { TbuildError } from '../errors.ts';
import { readImageConfig, requireImage } from '../image/read-image.ts';
import type { ContainerConfig } from '../oci/config.ts';
import type { SandboxMount } from '../sandbox/mounts.ts';
import { accessOf, withStore } from '../rootfs/open-store.ts';
import { mergedView } from '../store/merged.ts';
import type { Store } from '../store/types.ts';
import { createContainer } from './container.ts';

export interface RunVolume {
  /** Path on this machine. */
  readonly source: string;
  /** Absolute path inside. */
  readonly target: string;
  readonly readonly: boolean;
}

export interface RunOptions {
  /** Name or id. It must be in the store. */
  readonly image: string;
  /** Replaces the image's CMD when not empty. */
  readonly argv?: readonly string[] | undefined;
  /** Replaces the image's ENTRYPOINT, and drops its CMD. */
  readonly entrypoint?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly volumes?: readonly RunVolume[] | undefined;
  readonly workdir?: string | undefined;
  /** `user[:group]`. @default the image's USER */
  readonly user?: string | undefined;
  /** What the command writes is removed when it has ended. @default false */
  readonly remove?: boolean | undefined;
  /** @default 'host' */
  readonly network?: 'host' | 'none' | undefined;
  readonly stdin?: AsyncIterable<Uint8Array> | undefined;
  /** Output is held back while the returned promise is pending. */
  readonly onOutput: (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void | Promise<void>;
  /** Called when the command runs: the container's id, the pid of its first process, and a function that sends the command a signal. */
  readonly onStarted?:
    | ((started: { readonly id: string; readonly pid: number; readonly kill: (signal: number) => void }) => void)
    | undefined;
  readonly userns?: 'auto' | 'host' | undefined;
  readonly store?: Store | undefined;
  readonly storeRoot?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface RunResult {
  /** As a shell reports it: 128 + number for a signal. */
  readonly exitCode: number;
  readonly id: string;
  /** The directory with what the command changed; undefined when it was removed. */
  readonly kept: string | undefined;
}

/** Runs a command on an image, with one writable directory on top of its layers. */
export async function runImage(options: RunOptions): Promise<RunResult> {
  const { store, storeRoot, userns, signal } = options;
  return withStore({ store, root: storeRoot, userns, signal }, (open) => runIn(open, options));
}

async function runIn(store: Store, options: RunOptions): Promise<RunResult> {
  const { helper } = accessOf(store);
  const { image } = await requireImage(store, options.image);
  const there = await store.lease(image.chain.map(({ layer }) => layer));
  if (!there.every(Boolean)) {
    throw new TbuildError('TBUILD_STORE_CORRUPT', `layers of ${options.image} are missing from the store`, {
      hint: 'build or import the image again',
    });
  }
  const config = (await readImageConfig(store, image)).config ?? {};
  const argv = commandOf(config, options);
  const mounts = (options.volumes ?? []).map(toBind);
  await using job = await store.createJob();
  const root = mergedView(image.chain, (id) => store.listing(id)).find('');
  const { mode = 0o755, uid = 0, gid = 0, xattrs = {} } = root ?? {};
  await helper.write(
    { diff: job.diff, rootAttributes: { mode, uid, gid, xattrs }, tar: false, signal: options.signal },
    [],
  );
  const container = await createContainer(store, job, { image: image.id, argv });
  let isKept = false;
  try {
    const { runCommand } = await import('../rootfs/run-command.ts');
    const outcome = await runCommand(store, {
      chain: image.chain,
      job: job.path,
      argv,
      environment: { ...environmentOf(config), ...options.env },
      workdir: options.workdir ?? config.WorkingDir ?? '/',
      workdirOwner: 'root',
      user: options.user ?? config.User ?? '',
      network: options.network ?? 'host',
      mounts,
      stdin: options.stdin,
      signal: options.signal,
      onOutput: options.onOutput,
      onStarted(pid, kill) {
        // Whoever inspects the container a moment too early sees it without its pid.
        void container.running(pid).catch(() => undefined);
        options.onStarted?.({ id: container.id, pid, kill });
      },
    });
    const exitCode = outcome.kind === 'exit' ? outcome.exitCode : 128 + outcome.signal;
    if (options.remove === true) return { exitCode, id: container.id, kept: undefined };
    isKept = true;
    return { exitCode, id: container.id, kept: await container.keep(exitCode) };
  } finally {
    if (!isKept) await container.forget();
  }
}

function commandOf(config: ContainerConfig, { image, argv = [], entrypoint }: RunOptions): readonly string[] {
  const head = entrypoint === undefined ? (config.Entrypoint ?? []) : entrypoint === '' ? [] : [entrypoint];
  const rest = argv.length > 0 ? argv : entrypoint === undefined ? (config.Cmd ?? []) : [];
  const command = [...head, ...rest];
  if (command.length > 0) return command;
  throw new TbuildError('TBUILD_USAGE', `no command given, and ${image} has neither ENTRYPOINT nor CMD`, {
    hint: `for example: tbuild run ${image} /bin/sh -c 'echo hello'`,
  });
}

function environmentOf(config: ContainerConfig): Record<string, string> {
  const pairs = (config.Env ?? []).map((entry): [string, string] => {
    const equals = entry.indexOf('=');
    return equals < 0 ? [entry, ''] : [entry.slice(0, equals), entry.slice(equals + 1)];
  });
  return Object.fromEntries(pairs);
}

function toBind({ source, target, readonly }: RunVolume): SandboxMount {
  const path = resolve(source);
  try {
    statSync(path);
  } catch (cause) {
    throw new TbuildError('TBUILD_USAGE', `--volume: ${path} cannot be used: ${(cause as Error).message}`, { cause });
  }
  return { type: 'bind', source: path, target, writable: !readonly };
}
