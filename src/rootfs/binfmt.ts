import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** A format of programs that the kernel hands to an interpreter (Documentation/admin-guide/binfmt-misc.rst). */
export interface BinfmtHandler {
  readonly name: string;
  readonly isEnabled: boolean;
  readonly interpreter: string;
  /** `F`: the interpreter was opened when it was registered, and need not be in the image. */
  readonly flags: string;
  readonly offset: number;
  readonly magic: Buffer;
  /** As long as `magic`. */
  readonly mask: Buffer;
}

/** What is registered. `hidden`: the kernel knows the mechanism, but this process cannot see what is registered, as inside a container. */
export type Emulation =
  { readonly kind: 'seen'; readonly handlers: readonly BinfmtHandler[] } | { readonly kind: 'hidden' };

export interface BinfmtPlaces {
  readonly filesystems: string;
  readonly directory: string;
}

const systemPlaces: BinfmtPlaces = { filesystems: '/proc/filesystems', directory: '/proc/sys/fs/binfmt_misc' };

export function readEmulation({ filesystems, directory }: BinfmtPlaces = systemPlaces): Emulation {
  const status = readIfThere(join(directory, 'status'));
  if (status === undefined) {
    // What no module is loaded for has nothing registered.
    const isLoaded = /\bbinfmt_misc$/m.test(readIfThere(filesystems) ?? 'binfmt_misc');
    return isLoaded ? { kind: 'hidden' } : { kind: 'seen', handlers: [] };
  }
  if (status.trim() === 'disabled') return { kind: 'seen', handlers: [] };
  const names = readdirSync(directory).filter((name) => name !== 'register' && name !== 'status');
  const handlers = names.map((name) => parseHandler(name, readIfThere(join(directory, name)) ?? ''));
  return { kind: 'seen', handlers: handlers.filter((handler) => handler !== undefined) };
}

/** Undefined for one that goes by the file name, and for what cannot be read. */
export function parseHandler(name: string, text: string): BinfmtHandler | undefined {
  const lines = text.split('\n');
  const value = (key: string): string | undefined =>
    lines.find((line) => line.startsWith(`${key} `))?.slice(key.length + 1);
  const interpreter = value('interpreter');
  const magic = Buffer.from(value('magic') ?? '', 'hex');
  if (interpreter === undefined || magic.length === 0) return undefined;
  const mask = Buffer.from(value('mask') ?? '', 'hex');
  return {
    name,
    isEnabled: lines[0] === 'enabled',
    interpreter,
    flags:
      lines
        .find((line) => line.startsWith('flags:'))
        ?.slice('flags:'.length)
        .trim() ?? '',
    offset: Number(value('offset') ?? 0),
    magic,
    mask: mask.length === magic.length ? mask : Buffer.alloc(magic.length, 0xff),
  };
}

/** The handlers that take a file that begins so; those that are switched on come first. */
export function handlersFor(handlers: readonly BinfmtHandler[], head: Buffer): readonly BinfmtHandler[] {
  const fitting = handlers.filter(
    ({ offset, magic, mask }) =>
      offset + magic.length <= head.length &&
      magic.every((byte, index) => (((head[offset + index] ?? 0) ^ byte) & (mask[index] ?? 0)) === 0),
  );
  return fitting.toSorted((a, b) => Number(b.isEnabled) - Number(a.isEnabled));
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
