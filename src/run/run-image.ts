import { statSync } from 'node:fs';
import { posix, resolve } from 'node:path';
import { TbuildError } from '../errors.ts';
import { readImageConfig, requireImage } from '../image/read-image.ts';
import type { RunningCommand, TerminalSize } from '../native/helper-types.ts';
import type { ContainerConfig } from '../oci/config.ts';
import type { SandboxMount } from '../sandbox/mounts.ts';
import { accessOf, withStore } from '../rootfs/open-store.ts';
import { mergedView } from '../store/merged.ts';
import type { Store } from '../store/types.ts';
import { createContainer } from './container.ts';
import { runEnvironment } from './environment.ts';

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
  /** Over those of the image; undefined takes one of them away. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly volumes?: readonly RunVolume[] | undefined;
  /** Absolute; made where it is missing. @default the image's WORKDIR */
  readonly workdir?: string | undefined;
  /** `user[:group]`. @default the image's USER */
  readonly user?: string | undefined;
  /** What the command writes is removed when it has ended. @default false */
  readonly remove?: boolean | undefined;
  /** @default 'host' */
  readonly network?: 'host' | 'none' | undefined;
  /** Read as the command takes it. Its end is that of the command's standard input, but for a terminal's: that has none. @default nothing to read */
  readonly stdin?: AsyncIterable<Uint8Array> | undefined;
  /** Gives the command a terminal of this size instead of pipes: what is written to it, stderr included, arrives as `stdout`. @default none */
  readonly terminal?: TerminalSize | undefined;
  /** Output is held back while the returned promise is pending. */
  readonly onOutput: (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void | Promise<void>;
  /** Called just before the command starts to run. */
  readonly onStarted?: ((started: StartedCommand) => void) | undefined;
  readonly userns?: 'auto' | 'host' | undefined;
  readonly store?: Store | undefined;
  readonly storeRoot?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface StartedCommand extends RunningCommand {
  /** Of its container. */
  readonly id: string;
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
      environment: runEnvironment({ config, given: options.env ?? {}, hasTerminal: options.terminal !== undefined }),
      workdir: workdirOf(config, options),
      workdirOwner: 'root',
      user: options.user ?? config.User ?? '',
      network: options.network ?? 'host',
      mounts,
      stdin: options.stdin,
      terminal: options.terminal,
      signal: options.signal,
      onOutput: options.onOutput,
      onStarted(command) {
        // Whoever inspects the container a moment too early sees it without its pid.
        void container.running(command.pid).catch(() => undefined);
        options.onStarted?.({ ...command, id: container.id });
      },
    });
    const exitCode = outcome.kind === 'exit' ? outcome.exitCode : 128 + outcome.signal;
    if (options.remove === true) return { exitCode, id: container.id, kept: undefined };
    await helper.remove([job.work]);
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
  const why =
    entrypoint === undefined ? `${image} has neither ENTRYPOINT nor CMD` : "the image's CMD goes with its ENTRYPOINT";
  throw new TbuildError('TBUILD_USAGE', `no command given, and ${why}`, {
    hint: `for example: tbuild run ${image} /bin/sh -c 'echo hello'`,
  });
}

/** As docker: a relative one is refused when it is given, and `..` is taken out before any symlink is followed. */
function workdirOf(config: ContainerConfig, { workdir = '' }: RunOptions): string {
  if (workdir === '') return config.WorkingDir ?? '/';
  if (workdir.startsWith('/')) return posix.normalize(workdir);
  throw new TbuildError('TBUILD_USAGE', `the working directory ${JSON.stringify(workdir)} is not an absolute path`, {
    hint: `for example: /${workdir}`,
  });
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
