import { posix } from 'node:path';
import { cleanPath } from '../../context/clean-path.ts';
import { chainState } from '../../store/chain.ts';
import type { RunInstruction } from '../../dockerfile/instruction.ts';
import { readMount } from '../../dockerfile/run-mount.ts';
import type { BindMount, CacheMount, RunMount, SecretMount, SshMount, TmpfsMount } from '../../dockerfile/run-mount.ts';
import { syntaxError } from '../../dockerfile/syntax-error.ts';
import type { SourceSpan } from '../../errors.ts';
import type { TakenFiles } from '../../cache/inputs.ts';
import { sourceIn } from '../sources/file-place.ts';
import type { FilePlace } from '../sources/file-place.ts';
import { openPlace } from '../sources/open-source.ts';
import type { SourceAccess } from '../sources/open-source.ts';
import type { TransferSource } from '../steps/copy-step.ts';

/** The mounts of a RUN as far as they are known before anybody knows whether it has to run. */
export interface PlannedMounts {
  readonly mounts: readonly PlannedMount[];
  /** Their part of the static key, never a secret's value nor what is in a cache mount. */
  readonly settings: Readonly<Record<string, string>>;
  /** What bind mounts show, and where cache mounts have their first content from. */
  readonly files: readonly TakenFiles[];
  readonly describeFiles: (index: number) => Promise<string>;
  /** Variables for the command, where neither image nor ARG has them. */
  readonly environment: Readonly<Record<string, string>>;
}

export type PlannedMount =
  | (BindMount & { readonly shown: ShownFiles })
  | (CacheMount & { readonly id: string; readonly first: ShownFiles | undefined })
  | TmpfsMount
  | SecretMount
  | (SshMount & { readonly target: string });

/** Files that a mount shows. */
export type ShownFiles =
  | { readonly kind: 'directory'; readonly source: TransferSource; readonly digest: string }
  | {
      readonly kind: 'layers';
      readonly layers: Extract<FilePlace, { kind: 'layers' }>['layers'];
      readonly source: TransferSource;
      /** Absolute; `/`: all of it. */
      readonly path: string;
      readonly digest: string;
    };

/** Throws TBUILD_DOCKERFILE_SYNTAX, and TBUILD_SOURCE_NOT_FOUND for what is to be mounted and is not there. */
export async function planMounts(
  access: SourceAccess,
  { mounts: flags }: RunInstruction,
  workdir: string,
): Promise<PlannedMounts> {
  const asked = flags.map((flag) => ({ mount: readMount(flag), span: flag.span }));
  for (const { mount, span } of asked) warnOfUnused(access, mount, span);
  const mounts: PlannedMount[] = [];
  const taken: { readonly origin: string; readonly shown: ShownFiles }[] = [];
  const show = async (mount: BindMount | CacheMount, span: SourceSpan): Promise<ShownFiles> => {
    const place = await openPlace(access, mount.from, span);
    const shown = await showFiles(access, place, { path: mount.source, span });
    taken.push({ origin: place.origin, shown });
    return shown;
  };
  const sockets: string[] = [];
  for (const { mount, span } of asked) {
    switch (mount.type) {
      case 'bind':
        mounts.push({ ...mount, target: absoluteTarget(mount.target, workdir, span), shown: await show(mount, span) });
        break;
      case 'cache': {
        const target = absoluteTarget(mount.target, workdir, span);
        // By the path as it is written: a relative one names the same cache wherever WORKDIR is.
        const id = mount.id ?? cleanPath(mount.target);
        mounts.push({ ...mount, target, id, first: mount.from === undefined ? undefined : await show(mount, span) });
        break;
      }
      case 'tmpfs':
        mounts.push({ ...mount, target: absoluteTarget(mount.target, workdir, span) });
        break;
      case 'secret': {
        const target = mount.target === undefined ? undefined : absoluteTarget(mount.target, workdir, span);
        mounts.push({ ...mount, target });
        break;
      }
      case 'ssh': {
        const target = mount.target ?? `/run/buildkit/ssh_agent.${sockets.length}`;
        sockets.push(target);
        mounts.push({ ...mount, target: absoluteTarget(target, workdir, span) });
        break;
      }
    }
  }
  return {
    mounts,
    settings: Object.fromEntries(mounts.map(settingOf)),
    files: taken.map(({ origin, shown }) => ({ origin, digest: shown.digest })),
    // There whether or not an agent is, as it was written, as in docker.
    environment: sockets[0] === undefined ? {} : { SSH_AUTH_SOCK: sockets[0] },
    async describeFiles(index) {
      const source = taken[index]?.shown.source;
      return source === undefined ? '' : source.describe(await source.select());
    },
  };
}

function warnOfUnused({ session }: SourceAccess, { type, unused }: RunMount, span: SourceSpan): void {
  if (unused.length === 0) return;
  const options = unused.join(', ');
  const message = `--mount=type=${type} takes no notice of ${options}`;
  session.emit({ type: 'warning', code: 'TBUILD_WARN_MOUNT_OPTION', message, span });
}

/** Where in the sandbox a target is. Throws TBUILD_DOCKERFILE_SYNTAX for one that cannot be mounted on. */
export function absoluteTarget(target: string, workdir: string, span: SourceSpan): string {
  const path = posix.resolve('/', workdir, target);
  if (path === '/') throw syntaxError('invalid mount target "/"', span, 'Give target= a directory, or a file.');
  if (path === '/proc' || path.startsWith('/proc/')) {
    throw syntaxError(`invalid mount target ${JSON.stringify(path)}`, span, 'Nothing can be mounted in /proc.');
  }
  return path;
}

async function showFiles(
  { session }: SourceAccess,
  place: FilePlace,
  { path, span }: { readonly path: string; readonly span: SourceSpan },
): Promise<ShownFiles> {
  const whole = posix.resolve('/', path);
  const taken = { exclude: [], parents: false, chmod: undefined, setsOwner: false, as: 'mounted' } as const;
  const source = sourceIn(place, { origin: place.origin, sources: [whole], ...taken, span }, session.store);
  if (place.kind === 'directory') return { kind: 'directory', source, digest: await source.digest() };
  const { layers } = place;
  // What all of the layers add up to has a name already.
  const digest = whole === '/' ? chainState(layers) : await source.digest();
  return { kind: 'layers', layers, source, path: whole, digest };
}

/** What `cache why` shows when it changes. A cache mount's id, sharing and namespace decide nothing but what it holds, which is in no key (as in docker). */
function settingOf(mount: PlannedMount): readonly [name: string, value: string] {
  const flags = { type: mount.type, ...modes(mount) };
  switch (mount.type) {
    case 'bind':
      return [`--mount ${mount.target}`, text({ ...flags, readonly: mount.readonly })];
    case 'cache': {
      const part = mount.first === undefined ? mount.source : '';
      return [`--mount ${mount.target}`, text({ ...flags, readonly: mount.readonly, source: part })];
    }
    case 'tmpfs':
      return [`--mount ${mount.target}`, text({ ...flags, readonly: mount.readonly, size: mount.size })];
    case 'secret':
      return [
        `--mount ${mount.target ?? mount.env ?? ''}`,
        text({ ...flags, id: mount.id, env: mount.env, required: mount.required }),
      ];
    case 'ssh':
      return [`--mount ${mount.target}`, text({ ...flags, id: mount.id, required: mount.required })];
  }
}

function modes(mount: PlannedMount): Readonly<Record<string, string | number | undefined>> {
  if (mount.type === 'bind' || mount.type === 'tmpfs') return {};
  return { mode: mount.mode?.toString(8), uid: mount.uid, gid: mount.gid };
}

function text(options: Readonly<Record<string, string | number | boolean | undefined>>): string {
  return Object.entries(options)
    .filter(([, value]) => value !== undefined && value !== false && value !== '')
    .map(([key, value]) => (value === true ? key : `${key}=${value}`))
    .join(',');
}
