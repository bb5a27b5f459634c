import { createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { TbuildError } from '../errors.ts';
import { exportLocal } from '../image/export-local.ts';
import { exportOci } from '../image/export-oci.ts';
import { exportTar } from '../image/export-tar.ts';
import type { OnExport } from '../image/counted.ts';
import type { ImageRecord } from '../store/types.ts';
import { uniqueName } from '../util/unique-name.ts';
import type { PlannedOutput } from './events.ts';
import type { Output } from './outputs.ts';
import { paced } from './paced.ts';
import type { Session } from './session.ts';

/** Writes what --output asks for, one after the other. A file appears under its name when it is whole. */
export async function writeOutputs(session: Session, image: ImageRecord, names: readonly string[]): Promise<void> {
  const { outputs } = session.options;
  for (const [index, output] of outputs.entries()) {
    const { type, destination } = output;
    const planned: PlannedOutput = {
      number: index + 1,
      total: outputs.length,
      type,
      destination: typeof destination === 'string' ? destination : undefined,
    };
    const started = performance.now();
    session.emit({ type: 'output:start', output: planned });
    const size = await writeOutput(session, output, { image, names, planned });
    session.emit({ type: 'output:done', output: planned, size, durationMs: performance.now() - started });
  }
}

interface Written {
  readonly image: ImageRecord;
  readonly names: readonly string[];
  readonly planned: PlannedOutput;
}

/** Resolves to the bytes that were written. */
async function writeOutput(
  { store, helper, signal, emit }: Session,
  output: Output,
  { image, names, planned }: Written,
): Promise<number> {
  let written = 0;
  const tell = paced((label, current, total) =>
    emit({ type: 'output:progress', output: planned, label, current, total }),
  );
  const onExport: OnExport = (what, current, total) => {
    if (what === 'archive') written = current;
    tell(what, current, total);
  };
  const access = { store, helper, signal, onExport };
  switch (output.type) {
    case 'oci':
      await withDestination(
        output,
        async (destination) => void (await exportOci({ ...access, image, names, destination })),
      );
      return written;
    case 'tar':
      await withDestination(output, (destination) => exportTar({ ...access, chain: image.chain, destination }));
      return written;
    case 'local':
      return exportLocal({ ...access, chain: image.chain, destination: output.destination });
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
