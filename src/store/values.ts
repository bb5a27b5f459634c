import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { isTbuildError } from '../errors.ts';
import { writeFileAtomic } from '../util/atomic-write.ts';
import { readSmallFile } from '../util/small-file.ts';
import type { StoreContext } from './context.ts';
import { bytesTrailer, readSealedJson, sealJson, unsealBytes } from './guarded.ts';
import type { ValueKind } from './types.ts';

export function readValue({ paths, checksum }: StoreContext, kind: ValueKind, name: string): unknown {
  return readSealedJson(paths.value(kind, name), checksum);
}

export function writeValue(
  { paths, checksum, session }: StoreContext,
  kind: ValueKind,
  [name, value]: readonly [string, unknown],
): void {
  const path = paths.value(kind, name);
  const write = (): void => writeFileAtomic(path, session.newPath(kind), [sealJson(value, checksum)]);
  try {
    write();
  } catch (error) {
    if (!isTbuildError(error, 'TBUILD_IO') || error.details['errno'] !== 'ENOENT') throw error;
    // A store that was made before there were values of this kind.
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    write();
  }
}

export function readBytes({ paths, checksum }: StoreContext, name: string): Buffer | undefined {
  const file = readSmallFile(paths.value('contexts', name));
  return file === undefined ? undefined : unsealBytes(file, checksum);
}

export function writeBytes({ paths, checksum, session }: StoreContext, name: string, bytes: Buffer): void {
  const parts = [bytes, bytesTrailer(bytes, checksum)];
  writeFileAtomic(paths.value('contexts', name), session.newPath('contexts'), parts);
}
