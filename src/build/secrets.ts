import { open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { TbuildError } from '../errors.ts';

/** Where a secret comes from. Its value is read when a step that asks for it runs, and is in no key, record or message. */
export type SecretSource =
  | { readonly file: string | URL }
  /** Name of a variable of this process; one that is not set is empty. */
  | { readonly env: string }
  | { readonly value: string | Uint8Array };

/** The secrets of one build. */
export interface Secrets {
  /** Undefined: none was given under this id. Read once, since a source may be a pipe. Throws TBUILD_SECRET. */
  read(id: string): Promise<Buffer> | undefined;
}

/** Docker's limit. */
export const maxSecretBytes: number = 500 * 1024;

export function openSecrets(sources: Readonly<Record<string, SecretSource>>): Secrets {
  const known = new Map<string, Promise<Buffer>>();
  return {
    read(id) {
      const source = Object.hasOwn(sources, id) ? sources[id] : undefined;
      if (source === undefined) return undefined;
      let reading = known.get(id);
      if (reading === undefined) {
        reading = readSecret(id, source);
        known.set(id, reading);
        reading.catch(() => undefined);
      }
      return reading;
    },
  };
}

async function readSecret(id: string, source: SecretSource): Promise<Buffer> {
  const value = 'file' in source ? await readSecretFile(id, source.file) : Buffer.from(valueOf(source));
  if (value.length <= maxSecretBytes) return value;
  throw new TbuildError('TBUILD_SECRET', `secret ${id} too big. max size 500KiB`, {
    hint: 'give large files in the build context, or by a bind mount of a named context',
    details: { id },
  });
}

function valueOf(source: Exclude<SecretSource, { readonly file: unknown }>): string | Uint8Array {
  return 'env' in source ? (process.env[source.env] ?? '') : source.value;
}

/** No more than one byte above the limit: it may be a pipe or a device. */
async function readSecretFile(id: string, file: string | URL): Promise<Buffer> {
  const path = file instanceof URL ? fileURLToPath(file) : file;
  const buffer = Buffer.allocUnsafeSlow(maxSecretBytes + 1);
  try {
    const handle = await open(path);
    try {
      let length = 0;
      while (length < buffer.length) {
        const { bytesRead } = await handle.read(buffer, length, buffer.length - length);
        if (bytesRead === 0) break;
        length += bytesRead;
      }
      return Buffer.from(buffer.subarray(0, length));
    } finally {
      buffer.fill(0);
      await handle.close();
    }
  } catch (cause) {
    throw new TbuildError('TBUILD_SECRET', `secret ${id} cannot be read: ${(cause as Error).message}`, {
      cause,
      details: { id },
    });
  }
}
