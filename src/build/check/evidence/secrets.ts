import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { CopiedFile, SuspiciousFile } from '../../../checks/evidence.ts';
import type { LookedStep } from '../../../checks/looked.ts';
import { findSecret } from '../../../checks/secrets/find-secret.ts';
import type { BuildAccess } from '../../access.ts';
import type { EvidenceSearch } from './evidence-search.ts';

/** Keys and tokens are in small files: of larger ones nothing is read. */
const largestFile = 256 * 1024;
const mostFiles = 20_000;
const mostBytes = 128 * 1024 * 1024;

/** Reads the files that steps would copy, small ones first, up to a limit. */
export async function findSecrets(
  { signal }: BuildAccess,
  { source, looked }: EvidenceSearch,
  copied: ReadonlyMap<LookedStep, readonly CopiedFile[]>,
): Promise<ReadonlyMap<LookedStep, readonly SuspiciousFile[]>> {
  const { context } = source;
  const files = context.kind === 'directory' ? [...copied.values()].flat() : [];
  const suspicious = context.kind === 'directory' ? await readFiles(context.root, files, signal) : new Map();
  const found = new Map<LookedStep, readonly SuspiciousFile[]>();
  for (const step of looked.flatMap(({ steps }) => steps)) {
    const files = [...(copied.get(step) ?? []).flatMap(({ path }) => suspicious.get(path) ?? []), ...inlineFiles(step)];
    if (files.length > 0) found.set(step, files);
  }
  return found;
}

async function readFiles(
  root: string,
  files: readonly CopiedFile[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, SuspiciousFile>> {
  const sizes = new Map(
    files.filter(({ size }) => size > 0 && size <= largestFile).map(({ path, size }) => [path, size]),
  );
  const found = new Map<string, SuspiciousFile>();
  let bytes = 0;
  let count = 0;
  for (const [path, size] of [...sizes].toSorted(([, left], [, right]) => left - right)) {
    bytes += size;
    if (++count > mostFiles || bytes > mostBytes) break;
    if (count % 64 === 0) await setImmediate();
    signal.throwIfAborted();
    const content = readText(join(root, path));
    const secret = content === undefined ? undefined : findSecret(path, content);
    if (secret !== undefined) found.set(path, { path, ...secret });
  }
  return found;
}

/** Undefined: no text, or not what was listed. */
function readText(path: string): string | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    // A build that copies it will say why it cannot be read.
    return undefined;
  }
  try {
    if (!fstatSync(fd).isFile()) return undefined;
    const buffer = Buffer.allocUnsafe(largestFile);
    const content = buffer.subarray(0, readSync(fd, buffer));
    return content.includes(0) ? undefined : content.toString('latin1');
  } catch {
    return undefined;
  } finally {
    closeSync(fd);
  }
}

/** What stands in the Dockerfile is in no file yet. */
function inlineFiles({ expanded }: LookedStep): readonly SuspiciousFile[] {
  if (expanded.kind !== 'copy' && expanded.kind !== 'add') return [];
  const { destination, inlineFiles } = expanded;
  return inlineFiles.flatMap(({ name, content }) => {
    const path = destination.endsWith('/') || inlineFiles.length > 1 ? name : destination;
    const secret = findSecret(path, content);
    return secret === undefined ? [] : [{ path, ...secret }];
  });
}
