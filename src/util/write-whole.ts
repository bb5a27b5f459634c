import { open, rename, rm, stat } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { TbuildError } from '../errors.ts';
import { uniqueName } from './unique-name.ts';

/** Writes a file that appears under its name when it is whole. A device or a pipe is written to. Obligation: `body` ends the stream. Throws TBUILD_OUTPUT, or what `body` throws of its own. */
export async function writeWhole(path: string, body: (destination: Writable) => Promise<void>): Promise<void> {
  // A file would take its place otherwise.
  const isSpecial = (await stat(path).catch(() => undefined))?.isFile() === false;
  const partial = isSpecial ? undefined : `${path}.${uniqueName()}.partial`;
  try {
    // Exclusive: in a directory like /tmp somebody may have put a symlink there.
    const file = await open(partial ?? path, partial === undefined ? 'w' : 'wx');
    const stream = file.createWriteStream();
    // Nobody listens until the body comes to write.
    stream.on('error', () => undefined);
    try {
      await body(stream);
    } finally {
      stream.destroy();
    }
    if (partial !== undefined) await rename(partial, path);
  } catch (cause) {
    if (partial !== undefined) await rm(partial, { force: true });
    if (cause instanceof TbuildError || (cause instanceof Error && cause.name === 'AbortError')) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TbuildError('TBUILD_OUTPUT', `${path} cannot be written: ${reason}`, { cause });
  }
}
