import { setImmediate } from 'node:timers/promises';
import type { CopiedFile, SuspiciousFile } from '../../../checks/evidence.ts';
import type { LookedStage, LookedStep } from '../../../checks/looked.ts';
import { findSecret } from '../../../checks/secrets/find-secret.ts';
import { largestFile } from './listed-context.ts';
import type { ListedContext } from './listed-context.ts';

const mostFiles = 20_000;
const mostBytes = 128 * 1024 * 1024;

/** Reads the files that steps would copy, small ones first, up to a limit. */
export async function readSecrets(
  context: ListedContext,
  copied: Iterable<readonly CopiedFile[]>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, SuspiciousFile>> {
  const files = [...copied].flat().filter(({ size }) => size > 0 && size <= largestFile);
  const sizes = new Map(files.map(({ path, size }) => [path, size]));
  const found = new Map<string, SuspiciousFile>();
  let bytes = 0;
  let count = 0;
  for (const [path, size] of [...sizes].toSorted(([, left], [, right]) => left - right)) {
    bytes += size;
    if (++count > mostFiles || bytes > mostBytes) break;
    // Others get their turn: reading a file of a directory gives none.
    if (count % 64 === 0) await setImmediate();
    signal.throwIfAborted();
    const content = await context.read(path);
    const secret = content === undefined ? undefined : findSecret(path, content);
    if (secret !== undefined) found.set(path, { path, ...secret });
  }
  return found;
}

/** What each step takes of them, and what its heredocs hold. */
export function secretsByStep(
  looked: readonly LookedStage[],
  copied: ReadonlyMap<LookedStep, readonly CopiedFile[]>,
  secrets: ReadonlyMap<string, SuspiciousFile>,
): ReadonlyMap<LookedStep, readonly SuspiciousFile[]> {
  const found = new Map<LookedStep, readonly SuspiciousFile[]>();
  for (const step of looked.flatMap(({ steps }) => steps)) {
    const taken = (copied.get(step) ?? []).flatMap(({ path }) => secrets.get(path) ?? []);
    const files = [...taken, ...inlineFiles(step)];
    if (files.length > 0) found.set(step, files);
  }
  return found;
}

/** What stands in the Dockerfile is in no file yet. */
function inlineFiles({ expanded }: LookedStep): readonly SuspiciousFile[] {
  if (expanded.kind !== 'copy' && expanded.kind !== 'add') return [];
  const { destination, inlineFiles: files } = expanded;
  return files.flatMap(({ name, content }) => {
    const path = destination.endsWith('/') || files.length > 1 ? name : destination;
    const secret = findSecret(path, content);
    return secret === undefined ? [] : [{ path, ...secret }];
  });
}
