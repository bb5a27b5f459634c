import type { Writable } from 'node:stream';
import { findEngine, loadIntoEngine } from '../image/archive/engine.ts';
import type { Engine } from '../image/archive/engine.ts';
import { saveImages } from '../image/archive/save.ts';
import { exportLocal } from '../image/export-local.ts';
import { exportOci } from '../image/export-oci.ts';
import { exportTar } from '../image/export-tar.ts';
import type { OnExport } from '../image/counted.ts';
import type { ImageRecord } from '../store/types.ts';
import { writeWhole } from '../util/write-whole.ts';
import type { PlannedOutput } from './events.ts';
import { needsEngine } from './outputs.ts';
import type { Output } from './outputs.ts';
import { paced } from './paced.ts';
import type { Session } from './session.ts';

/** Writes what --output asks for, one after the other. A file appears under its name when it is whole. */
export async function writeOutputs(session: Session, image: ImageRecord, names: readonly string[]): Promise<void> {
  const { outputs } = session.options;
  for (const [index, output] of outputs.entries()) {
    const { type } = output;
    const engine = needsEngine(output) ? await findEngine() : undefined;
    const planned: PlannedOutput = {
      number: index + 1,
      total: outputs.length,
      type,
      destination: placeOf(output, engine),
    };
    const started = performance.now();
    session.emit({ type: 'output:start', output: planned });
    const size = await writeOutput(session, output, { image, names, planned, engine });
    session.emit({ type: 'output:done', output: planned, size, durationMs: performance.now() - started });
  }
}

function placeOf(output: Output, engine: Engine | undefined): string | undefined {
  if (needsEngine(output)) return engine?.socket;
  return typeof output.destination === 'string' ? output.destination : undefined;
}

interface Written {
  readonly image: ImageRecord;
  readonly names: readonly string[];
  readonly planned: PlannedOutput;
  readonly engine: Engine | undefined;
}

/** Resolves to the bytes that were written. */
async function writeOutput(
  { store, helper, signal, emit }: Session,
  output: Output,
  { image, names, planned, engine }: Written,
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
  const save = (destination: Writable): Promise<void> =>
    saveImages({ ...access, images: [{ image, names }], destination });
  switch (output.type) {
    case 'oci':
      await writeTo(output.destination, async (destination) => {
        await exportOci({ ...access, image, names, destination });
      });
      return written;
    case 'docker':
      if (engine !== undefined) await loadIntoEngine(engine, save, signal);
      else if (output.destination !== undefined) await writeTo(output.destination, save);
      return written;
    case 'tar':
      await writeTo(output.destination, (destination) => exportTar({ ...access, chain: image.chain, destination }));
      return written;
    case 'local':
      return exportLocal({ ...access, chain: image.chain, destination: output.destination });
  }
}

async function writeTo(destination: string | Writable, body: (destination: Writable) => Promise<void>): Promise<void> {
  await (typeof destination === 'string' ? writeWhole(destination, body) : body(destination));
}
