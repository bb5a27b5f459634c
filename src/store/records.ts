import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { writeFileAtomic } from '../util/atomic-write.ts';
import { ioError } from '../util/io-error.ts';
import type { StoreContext } from './context.ts';
import { readSealedJson, sealJson } from './guarded.ts';

const mostRecords = 16;

export function readRecords({ paths, checksum }: StoreContext, key: string): readonly unknown[] {
  return recordsAt(paths.records(key), checksum);
}

/** Records of one file; none when it is absent or torn. */
export function recordsAt(path: string, checksum: StoreContext['checksum']): readonly unknown[] {
  const value = readSealedJson(path, checksum);
  return Array.isArray(value) ? value : [];
}

export interface NewRecord {
  readonly key: string;
  readonly record: unknown;
  readonly replaces: (other: unknown) => boolean;
}

export async function addRecord(context: StoreContext, { key, record, replaces }: NewRecord): Promise<void> {
  const path = context.paths.records(key);
  await context.recordsLock.run('exclusive', () => {
    const others = recordsAt(path, context.checksum).filter((other) => !replaces(other));
    writeRecords(context, path, [record, ...others].slice(0, mostRecords));
  });
}

/** Obligation: call with the records lock held. */
export function writeRecords(context: StoreContext, path: string, records: readonly unknown[]): void {
  const { session, checksum } = context;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  } catch (error) {
    throw ioError(error, 'make', dirname(path));
  }
  writeFileAtomic(path, session.newPath('records'), [sealJson(records, checksum)]);
}
