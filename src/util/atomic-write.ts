import { closeSync, openSync, renameSync, writeSync } from 'node:fs';
import { ioError } from './io-error.ts';
import { removeFile } from './remove-file.ts';

/**
 * Writes `temporary`, which must not exist yet and is on the same file system, and renames it to `path`: readers see the old content or the new, whole. Nothing is synced.
 * When it fails, `path` is as it was and `temporary` is gone.
 */
export function writeFileAtomic(path: string, temporary: string, parts: readonly Uint8Array[]): void {
  writeNewFile(temporary, parts);
  try {
    renameSync(temporary, path);
  } catch (error) {
    removeFile(temporary);
    throw ioError(error, 'write', path);
  }
}

/** A file of mode 0600 that must not exist yet. When it fails, it does not exist. */
export function writeNewFile(path: string, parts: readonly Uint8Array[]): void {
  let fd: number;
  try {
    fd = openSync(path, 'wx', 0o600);
  } catch (error) {
    throw ioError(error, 'create', path);
  }
  try {
    for (const part of parts) writeAll(fd, part);
  } catch (error) {
    removeFile(path);
    throw ioError(error, 'write', path);
  } finally {
    closeSync(fd);
  }
}

/** Writes on until all is written: a full disk cuts one `write` short before the next one fails. */
export function writeAll(fd: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length;) {
    written += writeSync(fd, bytes, written, bytes.length - written);
  }
}
