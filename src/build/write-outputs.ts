import { createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { TbuildError } from '../errors.ts';
import { exportLocal } from '../image/export-local.ts';
import { exportOci } from '../image/export-oci.ts';
import { exportTar } from '../image/export-tar.ts';
import type { ImageRecord } from '../store/types.ts';
import { uniqueName } from '../util/unique-name.ts';
import type { Output } from './outputs.ts';
import type { Session } from './session.ts';

/** Writes what --output asks for, one after the other. A file appears under its name when it is whole. */
export async function writeOutputs(session: Session, image: ImageRecord, names: readonly string[]): Promise<void> {
  const { store, helper, signal } = session;
  const access = { store, helper, signal };
  for (const output of session.options.outputs) {
    switch (output.type) {
      case 'oci':
        await withDestination(
          output,
          async (destination) => void (await exportOci({ ...access, image, names, destination })),
        );
        break;
      case 'tar':
        await withDestination(output, (destination) => exportTar({ ...access, chain: image.chain, destination }));
        break;
      case 'local':
        await exportLocal({ ...access, chain: image.chain, destination: output.destination });
        break;
    }
  }
}

async function withDestination(
  output: Exclude<Output, { type: 'local' }>,
  body: (destination: Writable) => Promise<void>,
): Promise<void> {
  const { destination } = output;
  if (typeof destination !== 'string') return body(destination);
  // A device or a pipe is written to; a file would take its place otherwise.
  const isSpecial = (await stat(destination).catch(() => undefined))?.isFile() === false;
  const partial = isSpecial ? undefined : `${destination}.${uniqueName()}.partial`;
  try {
    // Exclusive: in a directory like /tmp somebody may have put a symlink there.
    await body(createWriteStream(partial ?? destination, { flags: partial === undefined ? 'w' : 'wx' }));
    if (partial !== undefined) await rename(partial, destination);
  } catch (cause) {
    if (partial !== undefined) await rm(partial, { force: true });
    if (cause instanceof TbuildError || (cause instanceof Error && cause.name === 'AbortError')) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TbuildError('TBUILD_OUTPUT', `${destination} cannot be written: ${reason}`, { cause });
  }
}
