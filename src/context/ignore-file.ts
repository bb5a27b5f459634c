import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { TbuildError } from '../errors.ts';
import { cleanPath } from './clean-path.ts';

/** One pattern as the file has it, cleaned; a leading `!` is part of it. `line` counts from 1. */
export interface IgnoreLine {
  readonly text: string;
  readonly line: number;
}

export interface IgnoreFile {
  /** Path as shown in messages; undefined: there is no ignore file. */
  readonly path: string | undefined;
  readonly lines: readonly IgnoreLine[];
}

export const noIgnoreFile: IgnoreFile = { path: undefined, lines: [] };

/** What the largest known real files need, many times over; a file that is larger is no ignore file. */
const maximumBytes = 1 << 20;
/** No path is longer, so no longer pattern can mean anything. */
const maximumPattern = 4096;

/**
 * Reads `<Dockerfile>.dockerignore` beside the Dockerfile or else `.dockerignore` in the context root, as BuildKit does.
 * A directory is none. Throws `TBUILD_CONTEXT` when it is something else than a regular file, cannot be read, or leads out of the context.
 */
export async function readIgnoreFile(root: string, dockerfilePath: string | undefined): Promise<IgnoreFile> {
  const candidates = dockerfilePath === undefined ? [] : [`${dockerfilePath}.dockerignore`];
  candidates.push(join(root, '.dockerignore'));
  for (const path of candidates) {
    const text = await readText(path);
    if (text !== undefined) return { path, lines: parseIgnoreFile(text, path) };
  }
  return noIgnoreFile;
}

/** Rules: moby/patternmatcher/ignorefile. */
export function parseIgnoreFile(text: string, path: string): readonly IgnoreLine[] {
  const lines: IgnoreLine[] = [];
  for (const [index, raw] of text
    .replace(/^\ufeff/, '')
    .split('\n')
    .entries()) {
    if (raw.startsWith('#')) continue;
    const trimmed = raw.trim();
    if (trimmed === '') continue;
    if (trimmed.length > maximumPattern) {
      throw new TbuildError('TBUILD_CONTEXT', `${path}:${index + 1}: pattern of ${trimmed.length} characters`, {
        hint: `a pattern may have ${maximumPattern} characters, as a path`,
      });
    }
    const negated = trimmed.startsWith('!');
    let pattern = negated ? trimmed.slice(1).trim() : trimmed;
    if (pattern !== '') {
      pattern = cleanPath(pattern);
      if (pattern.length > 1 && pattern.startsWith('/')) pattern = pattern.slice(1);
    }
    lines.push({ text: negated ? `!${pattern}` : pattern, line: index + 1 });
  }
  return lines;
}

async function readText(path: string): Promise<string | undefined> {
  try {
    // A FIFO must not block the build.
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = await file.stat();
    // As with docker.
    if (stats.isDirectory()) return undefined;
    if (!stats.isFile()) throw new TbuildError('TBUILD_CONTEXT', `${path} is not a regular file`);
    if (stats.size > maximumBytes) throw new TbuildError('TBUILD_CONTEXT', `${path} is larger than 1 MiB`);
    await refuseEscape(path);
    return await file.readFile('utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    if (error instanceof TbuildError) throw error;
    throw new TbuildError('TBUILD_CONTEXT', `cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** Error messages quote patterns, so a context that came from elsewhere must not choose which file is read. */
async function refuseEscape(path: string): Promise<void> {
  const directory = await realpath(dirname(path));
  const real = await realpath(path);
  if (real.startsWith(directory === '/' ? '/' : `${directory}/`)) return;
  throw new TbuildError('TBUILD_CONTEXT', `${path} is a symbolic link that leads out of its directory`, {
    hint: 'copy the file instead',
  });
}
