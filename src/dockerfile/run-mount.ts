import type { SourceSpan } from '../errors.ts';
import type { MountFlag } from './mount-flag.ts';
import { readMountOptions } from './mount-options.ts';
import type { CacheSharing, MountOptions } from './mount-options.ts';
import { syntaxError } from './syntax-error.ts';

/** What one `--mount=` of RUN asks for. Targets and sources are as written. */
export type RunMount = Unused & (BindMount | CacheMount | TmpfsMount | SecretMount | SshMount);

interface Unused {
  /** Options that were given and mean nothing for this type; docker takes no notice of them. */
  readonly unused: readonly string[];
}

/** Files of the build context, a stage, a named context or an image. What is written to it is thrown away. */
export interface BindMount {
  readonly type: 'bind';
  readonly from: string | undefined;
  readonly source: string;
  readonly target: string;
  readonly readonly: boolean;
}

/** A directory that outlives the build. */
export interface CacheMount extends Partial<FileOptions> {
  readonly type: 'cache';
  /** @default the target */
  readonly id: string | undefined;
  readonly sharing: CacheSharing;
  /** Where its first content comes from. */
  readonly from: string | undefined;
  readonly source: string;
  readonly target: string;
  readonly readonly: boolean;
}

export interface TmpfsMount {
  readonly type: 'tmpfs';
  readonly target: string;
  readonly readonly: boolean;
  /** Bytes. */
  readonly size: number | undefined;
}

export interface SecretMount extends FileOptions {
  readonly type: 'secret';
  readonly id: string;
  /** Undefined: there is no file. */
  readonly target: string | undefined;
  /** Name of the variable that holds it too. */
  readonly env: string | undefined;
  readonly required: boolean;
}

export interface SshMount extends FileOptions {
  readonly type: 'ssh';
  readonly id: string;
  /** @default /run/buildkit/ssh_agent.N */
  readonly target: string | undefined;
  readonly required: boolean;
}

interface FileOptions {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

const secretKeys = ['id', 'source', 'target', 'required', 'mode', 'uid', 'gid', 'env'];

/** Understands a flag whose variables are expanded. Throws TBUILD_DOCKERFILE_SYNTAX with docker's words (BuildKit `instructions/commands_runmount.go` has the same order of checks). */
export function readMount(flag: MountFlag): RunMount {
  const { span } = flag;
  const options = readMountOptions(flag);
  const { type, given } = options;
  const file = { mode: options.mode, uid: options.uid, gid: options.gid };
  for (const key of ['mode', 'uid', 'gid'] as const) {
    if (file[key] !== undefined && (type === 'bind' || type === 'tmpfs')) {
      throw syntaxError(`${key} not allowed for "${type}" type mounts`, span);
    }
  }
  if (type === 'secret') return { ...readSecret(options, span), unused: unusedOf(given, secretKeys) };
  if (options.sharing !== undefined && type !== 'cache')
    throw syntaxError(`invalid cache sharing set for ${type} mount`, span);
  const { from, source = '', target = '', readonly: ro } = options;
  switch (type) {
    case 'bind': {
      const unused = unusedOf(given, ['from', 'source', 'target', 'readonly']);
      return { type, from, source, target, readonly: ro ?? true, unused };
    }
    case 'cache': {
      const { sharing = 'shared', id } = options;
      const unused = unusedOf(given, ['from', 'source', 'target', 'readonly', 'id', 'sharing', 'mode', 'uid', 'gid']);
      return { type, id, sharing, from, source, target, readonly: ro ?? false, ...defined(file), unused };
    }
    case 'tmpfs': {
      if (source !== '' && source !== '/') throw syntaxError('a tmpfs mount has no source', span);
      const unused = unusedOf(given, ['target', 'readonly', 'size']);
      return { type, target, readonly: ro ?? false, size: options.size, unused };
    }
    case 'ssh': {
      if (source !== '') throw syntaxError('ssh does not support source', span);
      const unused = unusedOf(given, ['target', 'id', 'required', 'mode', 'uid', 'gid']);
      const { id = 'default', required = false } = options;
      const place = target === '' ? undefined : target;
      return { type, id, target: place, required, ...withDefaults(file, 0o600), unused };
    }
  }
}

function readSecret(options: MountOptions, span: SourceSpan): SecretMount {
  const { source = '', target = '', env, required = false } = options;
  if (options.from !== undefined) throw syntaxError('secret mount should not have a from', span);
  if (options.sharing !== undefined) throw syntaxError('secret mount should not define sharing', span);
  if (source === '' && target === '' && options.id === undefined) {
    throw syntaxError('invalid secret mount. one of source, target required', span);
  }
  if (source !== '' && options.id !== undefined) throw syntaxError("both source and id can't be set", span);
  if (env !== undefined && !/^[^=\0]+$/.test(env)) {
    throw syntaxError(`${JSON.stringify(env)} cannot be the name of a variable`, span);
  }
  const id = options.id ?? (source === '' ? baseName(target) : source);
  const place = target !== '' ? target : env === undefined ? `/run/secrets/${baseName(id)}` : undefined;
  const { mode, uid, gid } = options;
  return { type: 'secret', id, target: place, env, required, ...withDefaults({ mode, uid, gid }, 0o400) };
}

/** Go's path.Base. */
function baseName(path: string): string {
  const trimmed = path.replace(/\/+$/, '');
  return trimmed.slice(trimmed.lastIndexOf('/') + 1) || '/';
}

type Attributes = Readonly<Record<'mode' | 'uid' | 'gid', number | undefined>>;

function withDefaults({ mode, uid, gid }: Attributes, usual: number): FileOptions {
  return { mode: mode ?? usual, uid: uid ?? 0, gid: gid ?? 0 };
}

function defined({ mode, uid, gid }: Attributes): Partial<FileOptions> {
  return {
    ...(mode === undefined ? {} : { mode }),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  };
}

function unusedOf(given: ReadonlySet<string>, used: readonly string[]): readonly string[] {
  return [...given].filter((key) => key !== 'type' && !used.includes(key));
}
