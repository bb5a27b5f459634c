import { closeSync, constants, fstatSync, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { TbuildError } from '../errors.ts';
import { checkFrontend, frontendArgument } from '../dockerfile/frontend.ts';
import type { Dockerfile } from '../dockerfile/instruction.ts';
import { isHttp } from '../dockerfile/instructions/remote-sources.ts';
import { parserVersion } from '../dockerfile/parser-version.ts';
import { checkArgument } from '../dockerfile/predefined-args.ts';
import { sha256Hex } from '../native/sha256.ts';
import type { Store } from '../store/types.ts';
import { decodePathBytes } from '../util/path-bytes.ts';
import { nearDirectory } from './contexts/near-directory.ts';
import type { ResolvedOptions } from './options.ts';

export interface DockerfileRequest extends Pick<ResolvedOptions, 'dockerfile'> {
  /** Absolute path of a directory. */
  readonly context: string;
}

export interface DockerfileBytes {
  /** Stands in the places of instructions, and names the Dockerfile in messages and reports. */
  readonly path: string;
  readonly bytes: Buffer;
}

export interface ParsedDockerfile {
  readonly dockerfile: Dockerfile;
  /** Names the parsed form in the store: another file, or another reading of it, has another name. */
  readonly key: string;
}

/** Parses the Dockerfile. The parsed form is kept under the digest of the bytes, so that a cached build does not load the parser. */
export async function parseKept(
  store: Store,
  { path, bytes }: DockerfileBytes,
  buildArgs: ResolvedOptions['buildArgs'],
): Promise<ParsedDockerfile> {
  const frontend = buildArgs[frontendArgument] || undefined;
  if (frontend !== undefined) checkFrontend(frontend, undefined);
  const overridden = overriddenDirectives(buildArgs);
  const key = sha256Hex(`${parserVersion} ${[...overridden].join()}\n${path}\n`, bytes);
  const kept = await store.readValue('dockerfiles', key);
  if (kept !== undefined) return { dockerfile: kept as Dockerfile, key };
  const { parseDockerfile } = await import('../dockerfile/parse.ts');
  const dockerfile = parseDockerfile(decodePathBytes(bytes), path, overridden);
  await store.writeValue('dockerfiles', key, dockerfile);
  return { dockerfile, key };
}

/** Directives that a build argument stands for. */
export function overriddenDirectives(buildArgs: ResolvedOptions['buildArgs']): ReadonlySet<'syntax' | 'check'> {
  const overridden = new Set<'syntax' | 'check'>();
  if (buildArgs[frontendArgument]) overridden.add('syntax');
  if (buildArgs[checkArgument]) overridden.add('check');
  return overridden;
}

/** Also when no step reads it: a mistyped context must not go unnoticed. */
export function checkContext(context: string): void {
  const stats = statSync(context, { throwIfNoEntry: false });
  if (stats?.isDirectory() === true) return;
  const what = stats === undefined ? 'does not exist' : 'is not a directory';
  const hint = stats === undefined ? nearDirectory(context) : 'The Dockerfile goes behind -f.';
  throw new TbuildError('TBUILD_CONTEXT', `the build context ${context} ${what}`, { hint });
}

// Far beyond any real Dockerfile; keeps a mistaken path (a disk image, say) out of memory.
export const maxDockerfileSize: number = 16 * 1024 * 1024;

/** Whether -f is a URL, as docker takes it for one. */
export function isRemoteDockerfile(dockerfile: string | undefined): dockerfile is string {
  return dockerfile !== undefined && isHttp(dockerfile);
}

/** Throws TBUILD_DOCKERFILE_NOT_FOUND. */
export function readDockerfile({ context, dockerfile }: DockerfileRequest): DockerfileBytes {
  const candidates =
    dockerfile === undefined ? [join(context, 'Dockerfile'), join(context, 'dockerfile')] : [resolve(dockerfile)];
  for (const path of candidates) {
    try {
      return { path, bytes: dockerfile === undefined ? readInContext(path, context) : readBounded(path, 0) };
    } catch (cause) {
      if (cause instanceof TbuildError) throw cause;
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') continue;
      throw new TbuildError('TBUILD_DOCKERFILE_NOT_FOUND', `${path} cannot be read`, { cause });
    }
  }
  throw new TbuildError('TBUILD_DOCKERFILE_NOT_FOUND', `there is no ${candidates[0] ?? 'Dockerfile'}`, {
    hint: 'give its path with -f; the last argument is the build context',
    details: { looked: candidates },
  });
}

/** What a context brings along must not make this wait for ever, nor quote another file in an error message. */
function readInContext(path: string, context: string): Buffer {
  try {
    return readBounded(path, constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ELOOP') throw error;
  }
  const real = realpathSync(path);
  if (real.startsWith(`${realpathSync(context)}/`)) return readBounded(real, constants.O_NONBLOCK);
  throw new TbuildError(
    'TBUILD_DOCKERFILE_NOT_FOUND',
    `${path} is a symbolic link that leads out of the build context`,
    {
      hint: `to use that file, name it: -f ${real}`,
    },
  );
}

/** A pipe that was named with -f is read as it is: `-f <(…)`. */
function readBounded(path: string, flags: number): Buffer {
  const fd = openSync(path, constants.O_RDONLY | flags);
  try {
    if ((flags & constants.O_NONBLOCK) !== 0 && !fstatSync(fd).isFile())
      throw new TbuildError('TBUILD_DOCKERFILE_NOT_FOUND', `${path} is not a regular file`);
    const parts: Buffer[] = [];
    for (let size = 0; ;) {
      const part = Buffer.allocUnsafe(64 * 1024);
      const count = readSync(fd, part);
      if (count === 0) return Buffer.concat(parts);
      size += count;
      if (size > maxDockerfileSize) throw dockerfileTooLarge(path);
      parts.push(part.subarray(0, count));
    }
  } finally {
    closeSync(fd);
  }
}

export function dockerfileTooLarge(path: string): TbuildError {
  return new TbuildError(
    'TBUILD_DOCKERFILE_SYNTAX',
    `${path} has more than ${maxDockerfileSize} bytes: that is no Dockerfile`,
  );
}
