import { closeSync, constants, existsSync, ftruncateSync, openSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { NativeAddon } from '../native/addon.ts';
import { writeAll } from '../util/atomic-write.ts';
import { errnoOf, ioError } from '../util/io-error.ts';
import { readSmallFile } from '../util/small-file.ts';
import { removeFile } from '../util/remove-file.ts';
import { uniqueName } from '../util/unique-name.ts';
import { keepUses } from './uses.ts';

export type LeaseKind = 'layer' | 'blob' | 'image';

/** What one store handle uses: a file `leases/<random>` that is locked for the handle's life, one line an item. */
export interface Leases {
  /** Obligation: call with gc.lock held, and look whether the item is there before letting go of it. */
  add(kind: LeaseKind, names: readonly string[]): void;
  /** Notes the use of a cache record, which needs no lease. */
  noteRecord(key: string): void;
  /** Gives up the leases, and keeps a note of what was used. */
  close(): void;
}

/** @param usesDirectory where the notes of what was used are */
export function openLeases(addon: NativeAddon, directory: string, usesDirectory: string): Leases {
  const held = new Set<string>();
  const noted = new Set<string>();
  let file: LeaseFile | undefined;
  let isClosed = false;
  return {
    add(kind, names) {
      if (isClosed) throw new TypeError('the store was closed');
      const lines = names.map((name) => `${kind} ${name}\n`).filter((line) => !held.has(line));
      if (lines.length === 0) return;
      file ??= createLeaseFile(addon, directory);
      file.append(lines.join(''));
      for (const line of lines) held.add(line);
    },
    noteRecord: (key) => void noted.add(`record ${key}\n`),
    close() {
      isClosed = true;
      file?.retire(usesDirectory, { held, noted });
      file = undefined;
    },
  };
}

interface LeaseFile {
  append(text: string): void;
  retire(
    usesDirectory: string,
    lines: { readonly held: ReadonlySet<string>; readonly noted: ReadonlySet<string> },
  ): void;
}

// No race with readLeases: this runs under a shared gc.lock, that one under an exclusive one.
function createLeaseFile(addon: NativeAddon, directory: string): LeaseFile {
  const path = join(directory, uniqueName());
  let length = 0;
  let fd: number;
  try {
    fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  } catch (error) {
    throw ioError(error, 'create a lease', path);
  }
  if (!addon.lock(fd, 'exclusive', false)) throw new TypeError(`somebody locked the new lease ${path}`);
  return {
    append(text) {
      try {
        writeAll(fd, Buffer.from(text));
        length += text.length;
      } catch (error) {
        // Half a line would spoil the next one.
        ftruncateSync(fd, length);
        throw ioError(error, 'write a lease', path);
      }
    },
    retire(usesDirectory, { held, noted }) {
      try {
        if (noted.size > 0) writeAll(fd, Buffer.from([...noted].join('')));
        keepUses(usesDirectory, path, new Set([...held, ...noted]));
      } catch {
        // A full disk, say. What was used is then taken for older than it is.
        removeFile(path);
      } finally {
        closeSync(fd);
      }
    },
  };
}

export interface LeasedItems {
  readonly layer: ReadonlySet<string>;
  readonly blob: ReadonlySet<string>;
  readonly image: ReadonlySet<string>;
  /** Lease files of processes that are gone. */
  readonly garbage: readonly string[];
}

/** Everything that live store handles use. Obligation: call with gc.lock held exclusively. */
export function readLeases(addon: NativeAddon, directory: string): LeasedItems {
  const items = { layer: new Set<string>(), blob: new Set<string>(), image: new Set<string>() };
  const garbage: string[] = [];
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    if (!isLocked(addon, path)) {
      if (existsSync(path)) garbage.push(path);
      continue;
    }
    for (const line of (readSmallFile(path)?.toString('latin1') ?? '').split('\n')) {
      const [kind, item] = line.split(' ');
      if (item !== undefined && (kind === 'layer' || kind === 'blob' || kind === 'image')) items[kind].add(item);
    }
  }
  return { ...items, garbage };
}

/** Whether a live process holds the lock of a file or directory. False when there is none. */
export function isLocked(addon: NativeAddon, path: string): boolean {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw ioError(error, 'look at the lock', path);
  }
  try {
    return !addon.lock(fd, 'exclusive', false);
  } finally {
    closeSync(fd);
  }
}
