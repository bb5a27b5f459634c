import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { errnoOf, ioError } from './io-error.ts';

const scratch = Buffer.allocUnsafeSlow(64 * 1024);

/** A whole regular file in three system calls when it is under 64 KiB; undefined when there is none. */
export function readSmallFile(path: string): Buffer | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw ioError(error, 'open', path);
  }
  try {
    return readAll(fd);
  } catch (error) {
    throw ioError(error, 'read', path);
  } finally {
    closeSync(fd);
  }
}

function readAll(fd: number): Buffer {
  const count = readSync(fd, scratch, 0, scratch.length, null);
  // A regular file answers short only at its end.
  if (count < scratch.length) return Buffer.from(scratch.subarray(0, count));
  const whole = Buffer.allocUnsafe(Math.max(fstatSync(fd).size, count));
  scratch.copy(whole);
  let length = count;
  while (length < whole.length) {
    const more = readSync(fd, whole, length, whole.length - length, null);
    if (more === 0) break;
    length += more;
  }
  return whole.subarray(0, length);
}

function isAbsent(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno === 'ENOENT' || errno === 'ENOTDIR';
}
